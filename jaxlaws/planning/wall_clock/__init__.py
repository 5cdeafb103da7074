"""Time and money on given hardware, as prices and limits that every question takes.

This room may import `engine`.
"""
