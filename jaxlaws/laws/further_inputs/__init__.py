"""Laws with inputs beyond size and tokens: distinct tokens, experts, sparsity, bits, vocabulary.

A law here imports no other law.
"""
