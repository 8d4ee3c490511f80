"""What runs inside a step: the standard library only, and nothing of the rest of fairing_kfp.

These files are copied into the runtime layer of every image, where they are the package `fairing_runtime`.
"""
