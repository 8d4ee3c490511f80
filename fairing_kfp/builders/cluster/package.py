"""The program of the Job as a zip file, so that any image with Python can run the very release that the author has."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROGRAM = """\
import sys
if sys.version_info < (3, 11):
    sys.exit(f"the image of the Job has Python {sys.version.split()[0]}, but 3.11 or newer is needed")
import signal, tempfile
signal.signal(signal.SIGALRM, lambda *_: sys.exit("no machine has attached for two minutes"))
signal.alarm(120)
with tempfile.NamedTemporaryFile(suffix=".zip") as file:
    file.write(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))
    file.flush()
    sys.path.insert(0, file.name)
    from fairing_kfp.builders.cluster.server import run
    run()
"""
"""The command of the Job; the zip file, after a line with its size, is the first that it reads."""

_FOLDERS = ("builders", "cache", "image", "registry")
_LIBRARIES = ("platformdirs", "urllib3")


@cache
def program() -> bytes:
    """The zip file, after a line with its size."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        for name, path in sorted(_modules()):
            written.writestr(name, path.read_bytes())
    data = archive.getvalue()
    return f"{len(data)}\n".encode() + data


def _modules() -> Iterator[tuple[str, Path]]:
    own = Path(__file__).parents[2]
    yield from ((f"fairing_kfp/{path.name}", path) for path in own.glob("*.py"))
    for folder in _FOLDERS:
        yield from ((path.relative_to(own.parent).as_posix(), path) for path in (own / folder).rglob("*.py"))
    for library in _LIBRARIES:
        spec = importlib.util.find_spec(library)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"{library}, which fairing-kfp depends on, is not installed", name=library)
        root = Path(spec.origin).parent
        yield from ((path.relative_to(root.parent).as_posix(), path) for path in root.rglob("*.py"))
