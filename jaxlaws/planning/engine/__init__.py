"""The engine: it takes a question to a plan. It checks inputs, sets float64 and cuts batches.

It also holds what plans, statuses, scenarios, limits and mixtures are. This room may import
`solver`.
"""
