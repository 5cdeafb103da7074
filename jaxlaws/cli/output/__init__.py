"""What a command writes: text, tables, JSON and files.

This room imports no other room of the command line, except `compilation_cache`.
"""
