"""Deterministic pickling of functions, classes and values, on cloudpickle."""
