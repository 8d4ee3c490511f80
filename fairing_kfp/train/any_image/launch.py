"""The command that makes a container of any image with Python a node of a job.

The container gets the node's program as an argument, unpacks it to its temporary folder and runs it. So the image needs
nothing of ours, and a job needs no further image, volume or init container, which TrainJobs of some releases forbid.
"""

from __future__ import annotations

import base64
import io
import zipfile
from functools import cache
from pathlib import Path

from fairing_kfp.runtime import node

_RUNTIME = ("__init__", "frameworks", "handshake", "node", "node_files", "node_handler", "outputs", "work")
_STAND_IN = ("distributed", "record")
_UNPACK = (
    "import base64, io, os, sys, tempfile, zipfile; "
    "root = tempfile.mkdtemp(prefix='fairing-'); "
    "zipfile.ZipFile(io.BytesIO(base64.b64decode(sys.argv[1]))).extractall(root); "
    "os.execv(sys.executable, [sys.executable, root + '/runtime/step.py', *sys.argv[2:]])"
)


def launch_command(*options: str) -> list[str]:
    """The command of a container.

    Args:
        options: options of the program, such as `--node`.
    """
    return ["python3", "-c", _UNPACK, _packed(), *options]


@cache
def _packed() -> str:
    """The program and its part of the runtime as a zip file in base64; the same for equal files."""
    runtime = Path(node.__file__).parent
    files = {
        "step.py": Path(__file__).with_name("command_program.py"),
        **{f"fairing_runtime/{name}.py": runtime / f"{name}.py" for name in _RUNTIME},
        "stand_in/fairing_kfp/__init__.py": runtime / "stand_in.py",
        **{f"stand_in/fairing_kfp/{name}.py": runtime / f"{name}.py" for name in _STAND_IN},
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, path in files.items():
            entry = zipfile.ZipInfo(f"runtime/{place}")  # of a fixed date
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return base64.b64encode(packed.getvalue()).decode()
