"""The code that runs a step in its container. It imports only the standard library and kfp's executor.

The runtime layer of every image contains these files as the package `fairing_runtime`.
"""
