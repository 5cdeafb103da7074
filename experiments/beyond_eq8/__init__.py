"""Compares distillation laws in which a student can have a lower loss than its teacher."""
