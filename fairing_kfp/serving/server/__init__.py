"""The server that runs in a predictor's image: the standard library and uvicorn, and nothing of the rest.

These files are copied into the server layer, where they are the package `fairing_server`.
"""
