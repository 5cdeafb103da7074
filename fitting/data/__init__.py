"""Tables of runs: read, checked, filtered and measured.

This room imports no other room.
"""
