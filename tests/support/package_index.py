"""A package index of tiny wheels and source distributions, served with a password."""

from __future__ import annotations

import base64
import contextlib
import csv
import hashlib
import http.server
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from tests.support.http_servers import QuietHandler, running

# A build backend (PEP 517) in the source distribution, without dependencies.
_BACKEND = """
import os, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(os.path.join(folder, {wheel!r}), "w") as archive:
        for path, text in {content!r}.items():
            archive.writestr(path, text)
    return {wheel!r}
"""


@dataclass
class PackageIndex:
    """The files of the index.

    Attributes:
        user: name of the user.
        password: password of the user.
        url: URL of the index, without credentials.
        files: content of the files, by name.
        yanked: names of yanked files.
    """

    user: str = "reader"
    password: str = "Loop" + "back-93"
    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    yanked: set[str] = field(default_factory=set)

    def wheel(
        self,
        name: str,
        version: str = "1.0",
        files: Mapping[str, str] | None = None,
        *,
        tag: str = "py3-none-any",
        needs: Sequence[str] = (),
        extras: Sequence[str] = (),
        entry_points: str = "",
        yanked: bool = False,
    ) -> str:
        """Adds a wheel with a module that has its version, and returns the hash of the file."""
        content = wheel_content(name, version, files, tag, needs, extras, entry_points)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for path, text in content.items():
                archive.writestr(zipfile.ZipInfo(path), text)
        file = f"{name}-{version}-{tag}.whl"
        self.files[file] = buffer.getvalue()
        if yanked:
            self.yanked.add(file)
        return self.hash(file)

    def source(self, name: str, version: str = "1.0", *, tag: str = "py3-none-any") -> str:
        """Adds a source distribution that builds a wheel with a tag, and returns the hash of the file."""
        content = wheel_content(name, version, None, tag)
        backend = _BACKEND.format(wheel=f"{name}-{version}-{tag}.whl", content=content)
        project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        project += f'[project]\nname = "{name}"\nversion = "{version}"\n'
        texts = {
            "pyproject.toml": project,
            "backend.py": backend,
            "PKG-INFO": content[f"{name}-{version}.dist-info/METADATA"],
        }
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for path, text in texts.items():
                info = tarfile.TarInfo(f"{name}-{version}/{path}")
                info.size = len(text.encode())
                archive.addfile(info, io.BytesIO(text.encode()))
        self.files[f"{name}-{version}.tar.gz"] = buffer.getvalue()
        return self.hash(f"{name}-{version}.tar.gz")

    def hash(self, file: str) -> str:
        """The hash of a file, as in requirements files."""
        return f"sha256:{hashlib.sha256(self.files[file]).hexdigest()}"

    @property
    def private_url(self) -> str:
        """URL of the pages of projects, with credentials."""
        return self.url.replace("://", f"://{self.user}:{self.password}@") + "/simple"

    def page(self, project: str) -> dict[str, Any] | None:
        """The page of a project (PEP 691)."""
        files = [
            {
                "filename": file,
                "url": f"{self.url}/files/{quote(file)}",
                "hashes": {"sha256": self.hash(file).partition(":")[2]},
                "yanked": file in self.yanked,
            }
            for file in sorted(self.files)
            if file.partition("-")[0].replace("_", "-") == project
        ]
        return {"meta": {"api-version": "1.0"}, "name": project, "files": files} if files else None


def wheel_content(
    name: str,
    version: str,
    files: Mapping[str, str] | None,
    tag: str,
    needs: Sequence[str] = (),
    extras: Sequence[str] = (),
    entry_points: str = "",
) -> dict[str, str]:
    """The files of a wheel."""
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}"]
    metadata += [*(f"Provides-Extra: {extra}" for extra in extras), *(f"Requires-Dist: {need}" for need in needs)]
    content = dict(files) if files is not None else {f"{name}.py": f"version = {version!r}\n"}
    content[f"{info}/METADATA"] = "\n".join(metadata) + "\n"
    content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: {tag}\n"
    if entry_points:
        content[f"{info}/entry_points.txt"] = entry_points
    record = io.StringIO()
    rows = []
    for path, text in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append((path, f"sha256={digest}", len(text.encode())))
    csv.writer(record).writerows([*rows, (f"{info}/RECORD", "", "")])
    content[f"{info}/RECORD"] = record.getvalue()
    return content


@contextlib.contextmanager
def serve_packages(index: PackageIndex, host: str = "") -> Iterator[PackageIndex]:
    """Serves an index on the loopback interface, or on all interfaces, at a name of this machine."""
    expected = f"Basic {base64.b64encode(f'{index.user}:{index.password}'.encode()).decode()}"

    class Handler(QuietHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            kind, _, name = unquote(self.path).strip("/").partition("/")
            if self.headers.get("Authorization") != expected:
                self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="packages"'})
            elif kind == "files" and name in index.files:
                self._answer(200, index.files[name], {"Content-Type": "application/octet-stream"})
            elif kind == "simple" and (page := index.page(name)):
                kind = "application/vnd.pypi.simple.v1+json"
                self._answer(200, json.dumps(page).encode(), {"Content-Type": kind})
            else:
                self._answer(404, b"", {})

        def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for header, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(header, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("0.0.0.0" if host else "127.0.0.1", 0), Handler)
    index.url = f"http://{host or '127.0.0.1'}:{server.server_port}"
    with running(server):
        yield index
