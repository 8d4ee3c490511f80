"""The running notebook, in JupyterLab, Jupyter Notebook, VS Code and papermill."""

from __future__ import annotations

import sys
from pathlib import Path


def find() -> Path:
    """The file of the running notebook.

    Raises:
        ComponentError: this is not a notebook, or its path is unknown; name it in `notebook_file`.
    """
    from fairing_kfp.errors import ComponentError
    from fairing_kfp.preprocess.notebooks.current import current_notebook

    try:
        return current_notebook(vars(sys.modules["__main__"]))
    except ComponentError as error:
        remedy = 'name it: notebook_file="train.ipynb"'
        raise ComponentError(error.message, remedy) from None


def get_notebook_name() -> str:
    """The name of the running notebook's file.

    Raises:
        ComponentError: this is not a notebook, or its path is unknown.
    """
    return find().name


def is_in_notebook() -> bool:
    """Whether this is a kernel of Jupyter."""
    application = getattr(sys.modules.get("ipykernel.kernelapp"), "IPKernelApp", None)
    return application is not None and application.initialized()
