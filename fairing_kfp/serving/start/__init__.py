"""Starts a predictor's server in its image, where these files except `serve.py` are the package `fairing_start`."""
