"""Predictors: classes and functions that answer requests, their server, and its clients."""
