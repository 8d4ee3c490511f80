"""Stands in for PyTorch, which is too large for tests: only its torchrun is there."""
