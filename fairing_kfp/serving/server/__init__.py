"""The model server in a predictor's image. It imports only the standard library, and the server packages.

The server layer contains these files as the package `fairing_server`.
"""
