"""Which runs decide the plan, and which runs to train next: derivatives of a fit by its data.

May import `validation`, `uncertainty`, `scaling`, the rooms below them, and `jaxlaws`.
"""
