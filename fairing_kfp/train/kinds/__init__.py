"""Kinds of jobs that train steps create. Each is one module and one row in `select.KINDS`."""
