"""Formats of tables: from the bytes of a file to a header and records of cells.

This folder may import `jaxlaws.foundations`.
"""
