"""How well a law predicts runs that its fit did not see, and which law predicts better.

This room may import `estimation`, `minimiser`, `problem` and `data`.
"""
