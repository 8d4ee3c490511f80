"""Git repositories over HTTPS: a ref → its commit and files, by a shallow fetch without the git program."""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3

from fairing_kfp.errors import ConfigError, SourceError
from fairing_kfp.image.layer import File
from fairing_kfp.proxies import is_loopback, proxy_for

if TYPE_CHECKING:
    from dulwich.client import Urllib3HttpGitClient
    from dulwich.repo import MemoryRepo

_COMMIT = re.compile(r"[0-9a-f]{40}")
_LINK, _SUBMODULE, _EXECUTABLE = 0o120000, 0o160000, 0o100755
_TIMEOUT = 60.0  # seconds


@dataclass(frozen=True)
class GitLogin:
    """A login of a Git server.

    Attributes:
        username: user name; any, for most tokens.
        password: password or token.
    """

    username: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> GitLogin | None:
        """Reads a mounted Secret of type `kubernetes.io/basic-auth`, or one with the key `token`.

        An empty folder is that of an optional Secret which does not exist: then access is anonymous.

        Raises:
            ConfigError: it has neither a password nor a token.
        """
        for name in ("password", "token"):
            with contextlib.suppress(OSError):
                password = (folder / name).read_text(encoding="utf-8").strip()
                username = folder / "username"
                return cls(username.read_text(encoding="utf-8").strip() if username.is_file() else "git", password)
        # The kubelet's own entries of a mounted volume begin with two dots.
        if not folder.is_dir() or all(one.name.startswith("..") for one in folder.iterdir()):
            return None
        raise ConfigError(
            f"the folder {folder} has no login for Git: neither the file password nor token",
            "mount a Secret of type kubernetes.io/basic-auth there, as in the example pipeline",
        )


@dataclass(frozen=True)
class GitSource:
    """The files of a commit.

    Attributes:
        commit: the commit.
        files: its files, at paths relative to the chosen folder, in order.
        left_out: paths of symbolic links and submodules, which are left out.
    """

    commit: str
    files: tuple[File, ...]
    left_out: tuple[str, ...] = ()


class GitRepository:
    """A repository on a server.

    Args:
        url: its URL.
        login: the login; None for anonymous access.
        context: TLS settings; the system's by default.

    Raises:
        ConfigError: the URL is malformed or contains a login, or the login would be sent over plain HTTP.
    """

    def __init__(self, url: str, login: GitLogin | None = None, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        if "@" in parts.netloc or (parts.scheme == "" and "@" in url) or parts.scheme == "ssh":
            raise ConfigError(
                "the Git URL contains a login, or is one for SSH; only HTTPS without a login is supported",
                "write it as https://HOST/PATH, and mount a Secret with a user name and a token",
            )
        if parts.scheme not in ("https", "http") or not parts.hostname or not parts.path.strip("/"):
            raise ConfigError(f"{url!r} is not the URL of a Git repository", "write it as https://HOST/PATH")
        if login and parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ConfigError(f"the login for {url} would be sent unencrypted", "use https")
        self._url, self._login, self._context = url, login, context
        self._path = parts.path.lstrip("/")

    def fetch(self, ref: str, folder: str = "") -> GitSource:
        """Fetches the files of a ref.

        Args:
            ref: a branch, tag or full ref, or all 40 digits of a commit; empty for the default branch.
            folder: a folder of the repository; empty for all of it.

        Raises:
            SourceError: the repository cannot be read, or has no such ref or folder.
        """
        from dulwich.repo import MemoryRepo

        repository = MemoryRepo()
        with self._errors():
            commit = ref if _COMMIT.fullmatch(ref) else self._resolve(ref)
            self._fetch_commit(repository, commit)
            return GitSource(commit, *_files(repository, commit.encode(), folder, self._url))

    def _resolve(self, ref: str) -> str:
        client = self._client()
        refs = {name.decode(): digest for name, digest in client.get_refs(self._path.encode()).refs.items() if digest}
        names = ("HEAD",) if not ref else (ref, f"refs/heads/{ref}", f"refs/tags/{ref}", f"refs/{ref}")
        for name in names:
            if name in refs:
                return refs.get(f"{name}^{{}}", refs[name]).decode()
        known = sorted(name.split("/", 2)[-1] for name in refs if name.startswith("refs/") and "^" not in name)
        what = f"no branch, tag or commit {ref!r}" if ref else "no default branch"
        remedy = f"it has {', '.join(known[:10])}" if known else "it has no branches; push to it first"
        raise SourceError(f"the Git repository {self._url} has {what}", f"{remedy}; a commit has 40 digits")

    def _fetch_commit(self, repository: MemoryRepo, name: str) -> None:
        from dulwich.errors import GitProtocolError, HangupException
        from dulwich.objects import ObjectID
        from dulwich.refs import Ref

        def only(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
            return [commit]

        def everything(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
            return list(set(refs.values()))

        client, commit = self._client(), ObjectID(name.encode())
        with contextlib.suppress(GitProtocolError, HangupException):
            client.fetch(self._path, repository, determine_wants=only, depth=1)
        if commit not in repository.object_store:
            # Some servers only give commits that a ref names, with their history.
            client.fetch(self._path, repository, determine_wants=everything)
        if commit not in repository.object_store:
            raise SourceError(
                f"the Git repository {self._url} has no commit {name}", "check it, and that it was pushed"
            )

    def _client(self) -> Urllib3HttpGitClient:
        from dulwich.client import Urllib3HttpGitClient

        parts = urlsplit(self._url)
        proxy = proxy_for(self._url)
        options: dict[str, Any] = {"ssl_context": self._context} if self._context else {}
        pool = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
        login = (self._login.username, self._login.password) if self._login else (None, None)
        return Urllib3HttpGitClient(
            f"{parts.scheme}://{parts.netloc}/",
            pool_manager=pool,
            username=login[0],
            password=login[1],
            timeout=_TIMEOUT,
            quiet=True,
        )

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        from dulwich.client import HTTPProxyUnauthorized, HTTPUnauthorized
        from dulwich.errors import GitProtocolError, HangupException, NotGitRepository

        try:
            yield
        except (HTTPUnauthorized, HTTPProxyUnauthorized):
            cause = "rejects the login" if self._login else "asks for a login"
            remedy = "mount a Secret with a user name and a token that may read it, and check the URL"
            raise SourceError(f"the Git server of {self._url} {cause}", remedy) from None
        except NotGitRepository:
            remedy = "check it; for a private repository, mount a Secret with a user name and a token"
            raise SourceError(f"there is no Git repository at {self._url}", remedy) from None
        except (GitProtocolError, HangupException, urllib3.exceptions.HTTPError, OSError) as error:
            cause = str(getattr(error, "reason", None) or error) or type(error).__name__
            remedy = "check the URL, and that the step's pod reaches the server"
            raise SourceError(f"cannot fetch from {self._url}: {cause}", remedy) from error


def _files(repository: MemoryRepo, commit: bytes, folder: str, url: str) -> tuple[tuple[File, ...], tuple[str, ...]]:
    from dulwich.object_store import iter_tree_contents
    from dulwich.objects import Blob, Commit, ObjectID, Tag

    store = repository.object_store
    found = store[ObjectID(commit)]
    while isinstance(found, Tag):
        found = store[found.object[1]]
    if not isinstance(found, Commit):
        raise SourceError(f"{commit.decode()} in {url} is not a commit", "give a branch, a tag or a commit")
    below = f"{folder.strip('/')}/" if folder.strip("/") else ""
    files, left_out = [], []
    for entry in iter_tree_contents(store, found.tree):
        path = (entry.path or b"").decode("utf-8", "surrogateescape")
        if not path.startswith(below):
            continue
        place = path.removeprefix(below)
        if entry.mode in (_LINK, _SUBMODULE):
            left_out.append(place)
            continue
        blob = store[entry.sha]
        if isinstance(blob, Blob):
            files.append(File(place, blob.data, 0o755 if entry.mode == _EXECUTABLE else 0o644))
    if not files:
        where = f"no folder {folder!r} with files" if below else "no files"
        raise SourceError(f"commit {commit.decode()} of {url} has {where}", "check the path and the ref")
    return tuple(files), tuple(left_out)
