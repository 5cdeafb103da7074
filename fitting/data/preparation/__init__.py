"""From a table as people have it to the columns of runs: names, units, derived columns, checks.

This folder may import `fitting.data.formats`, `table_files` and `columns`.
"""
