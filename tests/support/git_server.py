"""A Git server on this machine, over HTTP or HTTPS, with or without a login."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from dulwich import porcelain
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain

from tests.support.authority import Authority
from tests.support.http_servers import running

_AUTHOR = b"Tests <tests@example.com>"
LOGIN = ("robot", "made-up-token")


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@dataclass(frozen=True)
class GitServer:
    """A running server.

    Attributes:
        root: its URL.
        open: URL of the repository.
        closed: URL of the same repository, for which a login is needed.
        repository: the repository.
    """

    root: str
    repository: Repo

    @property
    def open(self) -> str:
        return f"{self.root}/team/models.git"

    @property
    def closed(self) -> str:
        return f"{self.root}/private/models.git"

    def commit(self, files: Mapping[str, str], tag: str = "") -> str:
        """Commits files, and tags the commit; returns it."""
        root = Path(self.repository.path)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        porcelain.add(self.repository, [str(root / name) for name in files])
        made = porcelain.commit(self.repository, b"Change", author=_AUTHOR, committer=_AUTHOR)
        if tag:
            porcelain.tag_create(self.repository, tag.encode(), _AUTHOR, b"Release", annotated=True)
        return made.decode()


@contextlib.contextmanager
def git_server(folder: Path, name: str = "127.0.0.1", tls: Authority | None = None) -> Iterator[GitServer]:
    """Runs a server for the block.

    Args:
        folder: folder of the repository.
        name: name of this machine in URLs; the server listens on all addresses unless it is loopback.
        tls: authority that signed its certificate; plain HTTP by default.
    """
    folder.mkdir(parents=True)
    repository = Repo.init(str(folder))
    application = make_wsgi_chain(DictBackend({"/team/models.git": repository, "/private/models.git": repository}))
    wanted = f"Basic {base64.b64encode(':'.join(LOGIN).encode()).decode()}"

    def guarded(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/private/") and environ.get("HTTP_AUTHORIZATION") != wanted:
            start("401 Unauthorized", [("WWW-Authenticate", "Basic"), ("Content-Length", "0")])
            return []
        answer: Iterable[bytes] = application(environ, start)
        return answer

    address = name if name == "127.0.0.1" else "0.0.0.0"
    server = make_server(address, 0, guarded, handler_class=_Quiet)
    if tls:
        server.socket = tls.server_context().wrap_socket(server.socket, server_side=True)
    with running(server):
        yield GitServer(f"{'https' if tls else 'http'}://{name}:{server.server_port}", repository)
