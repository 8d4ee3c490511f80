"""The paths of fairing-kfp's files in an image, relative to its root."""

from __future__ import annotations

ROOT = "opt/fairing"
"""The folder of all files of fairing-kfp: `runtime`, `code`, `dependencies`, …"""

CODE = f"{ROOT}/code"
"""The step's pickle, own modules, source texts and files."""

PICKLE = "function.pickle"
"""The step's pickle, relative to its code."""

NOTEBOOK = "notebook.ipynb"
"""A notebook that runs in full, relative to its code."""

WORKING = f"{CODE}/files"
"""The files that a step's working folder mirrors."""

DEPENDENCIES = f"{ROOT}/dependencies"
"""The step's packages."""

SERVER = f"{ROOT}/server"
"""The server of a predictor."""

PACKAGE = f"{ROOT}/package"
"""This package, in the image of train and serve steps."""

COMMAND = ("python3", f"/{ROOT}/runtime/step.py")
"""The command of a step. It needs no shell and no path of an interpreter, which differ between base images."""

SERVE = ("python3", f"/{SERVER}/serve.py")
"""The command of a predictor's server."""
