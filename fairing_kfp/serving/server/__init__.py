"""The model server in a predictor's image. It imports only the standard library, uvicorn and msgspec.

The server layer contains these files as the package `fairing_server`.
"""
