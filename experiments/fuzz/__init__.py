"""A fuzzer of the command line: random files and options, run in this process.

`python -m experiments.fuzz --minutes 10` lists what is wrong: a traceback, a hang, a changed input,
or too much memory.
"""
