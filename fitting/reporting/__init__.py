"""Results for readers: tables, figures, Markdown and HTML.

This is the only room that imports matplotlib. It may import every other room.
"""
