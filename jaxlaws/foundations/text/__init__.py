"""What people read: numbers as text, tables, how objects show themselves, and safe text.

Everything that prints imports this room: the `repr` of objects, reports and the command line. It
imports only single modules of `foundations`.
"""
