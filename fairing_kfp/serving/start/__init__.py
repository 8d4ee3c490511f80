"""What starts a predictor in its image; there these files, but for `serve.py`, are the package `fairing_start`."""
