"""Where things of ours lie in an image."""

from __future__ import annotations

ROOT = "opt/fairing"
"""Everything of ours: `runtime`, `code` and `dependencies` below it."""

CODE = f"{ROOT}/code"
"""The step's function, its own modules and source texts."""

DEPENDENCIES = f"{ROOT}/dependencies"
"""The step's packages."""

SERVER = f"{ROOT}/server"
"""A predictor's server."""

PACKAGE = f"{ROOT}/package"
"""This package, in the image of our own steps."""

COMMAND = ("python3", f"/{ROOT}/runtime/step.py")
"""What starts a step. No shell, as some bases have none; and no folder of it names an interpreter."""

SERVE = ("python3", f"/{SERVER}/serve.py")
"""What starts a predictor's server."""
