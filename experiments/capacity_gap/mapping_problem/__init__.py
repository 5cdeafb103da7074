"""The capacity gap in trained networks (Busbridge et al. 2025, Appendix C.2)."""
