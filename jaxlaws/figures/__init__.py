"""Figures of plans. Only this room and `fitting.reporting` draw with matplotlib."""
