"""`FILE[:NAME]`, as commands take it: the file of a pipeline, and its name there."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

from fairing_kfp.errors import FairingError, PipelineError
from fairing_kfp.frozen import dataclass

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_REMEDY = "give a Python file or notebook that defines a pipeline: FILE.py[:PIPELINE]"


@dataclass(frozen=True)
class Target:
    """What a command works on.

    Attributes:
        file: the Python file or notebook.
        name: the name in it; empty for the only one.
    """

    file: Path
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Target:
        """Parses `FILE[:NAME]` or `MODULE[:NAME]`.

        Args:
            text: the path of a Python file or notebook; or a module, found from the current folder on.

        Raises:
            PipelineError: there is no such file or module, or it is of another kind.
        """
        file, _, name = text.rpartition(":") if ":" in text and not Path(text).exists() else (text, "", "")
        path = Path(file)
        if not path.exists() and _MODULE.fullmatch(file) and path.suffix not in (".py", ".ipynb"):
            path = _module(file)
        if path.is_dir():
            found = sorted(one.name for one in path.glob("*.py"))
            raise PipelineError(f"{path} is a folder", f"give a file in it: {', '.join(found)}" if found else _REMEDY)
        if not path.is_file():
            raise PipelineError(f"the file {path} does not exist", _REMEDY)
        if path.suffix in (".yaml", ".yml", ".json"):
            raise PipelineError(f"{path} is not a Python file: pipelines are read from Python, not from YAML", _REMEDY)
        if path.suffix not in (".py", ".ipynb"):
            raise PipelineError(f"{path} is not a Python file", _REMEDY)
        return cls(path, name)


def _module(name: str) -> Path:
    """The file of a module.

    Raises:
        PipelineError: there is none of that name, or a package that contains it fails to import.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.util.find_spec(name)
    except FairingError:
        raise
    except Exception as error:  # of the packages that contain it
        if not isinstance(error, ModuleNotFoundError) or not name.startswith(error.name or "\0"):
            from fairing_kfp.component.import_error import import_error

            raise import_error(name, error) from error
        found = None
    if found is None or not found.origin or not found.origin.endswith(".py"):
        raise PipelineError(f"there is neither a file nor a module {name}", _REMEDY)
    path = Path(found.origin)
    return path.relative_to(here) if path.is_relative_to(here) else path
