"""Whole pipelines: trace, rewrite, lock, compile and explain."""
