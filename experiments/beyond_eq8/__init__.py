"""Forms of a distillation law in which students may end below their teachers, side by side."""
