"""Benchmarks against peers: `python -m bench [NAME…] [--write]`."""
