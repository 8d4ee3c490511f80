"""What ignore files leave out, here and by `docker build`."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairing_kfp.preprocess.files.ignore import Ignore
from tests.support.docker_contexts import receive_contexts
from tests.support.services import require_program, run

PLACES = (
    *("a", "ab", "b.py", "x y", "#a", "!a", "[a]", "a*", ".a", "é"),
    *("d/a", "d/ab", "d/b.py", "d/.a", "d/a.b", "d/#a", "d/[a]"),
    *("d/e/a", "d/e/b.py", "d/e/a.b", "d/e/f/a", "d/e/f/b.py"),
    *("e/a", "e/d/a", "e/d/e/b.py", "e/d/ab/a", "ab.d/a", "ab.d/d/a", "dd/a", "de/e/a"),
)
HARD = (
    "d\n!d/e/a",
    "d/\n!d/e/",
    "*\n!d/e/f\n",
    "**\n!**/b.py",
    "d\n!**/a",
    "d\n!d/*/a",
    "d\n!d/e/**\nd/e/f",
    "!d/a\nd",
    "**/a\n!d",
    "d\n!d\nd/e",
    "/a\n/d/e/",
    "\N{ZERO WIDTH NO-BREAK SPACE}a\nab",
    "#a\n #a\n\\#a",
    "\\!a",
    "!!a\n*a*",
    "[[]a]\n",
    "\\[a\\]",
    "a\\*",
    "[^a]*",
    "[a-b]?",
    "**d/a",
    "**/d/**/a",
    "d/**",
    "d**",
    "d/**/",
    "**.py",
    "**a*",
    "*/*/a",
    "*/e",
    "./d//e/../a",
    "d/e/../../ab",
    "../a",
    ".",
    "/",
    "*/../b.py",
    "  x y  ",
    "a\r\nab\r\n",
    "\t\n\nd/*\n!d/b.py\n",
    "***/a",
    "**/**/e",
    "?",
    "??",
    "é",
    "[é]",
    "*.d\n!ab.d/d",
    "e/d/e\n!e/d",
    "Dockerfile\n.dockerignore\nd",
    "*\n!*/\nd/e",
)

_names = st.sampled_from(["a", "ab", "b.py", "d", "e", "f", "*", "**", "?", "a*", "*.py", "[ab]*", ".*", "[^d]", "**b"])
_patterns = st.builds(
    lambda sign, start, names, end: sign + start + "/".join(names) + end,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "", "/", "./", "**/", " "]),
    st.lists(_names, min_size=1, max_size=3),
    st.sampled_from(["", "", "/", "/**", " "]),
)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A context with all files."""
    folder = tmp_path_factory.mktemp("context")
    for place in PLACES:
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(place)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    return folder


@pytest.fixture(scope="module")
def sent(context: Path) -> Iterator[Callable[[str], set[str]]]:
    """The files that `docker build` sends to the engine."""
    docker = require_program("docker")
    with receive_contexts() as received:

        def build(ignored: str) -> set[str]:
            _build(docker, context, ignored, DOCKER_HOST=received.host)
            return set(received.files) & set(PLACES)

        yield build


def _build(docker: str, context: Path, ignored: str, **variables: str) -> str:
    (context / ".dockerignore").write_text(ignored, encoding="utf-8", newline="")
    # The older builder: it needs no plugin, and its rules are known to differ in one point only.
    environment = {**os.environ, "DOCKER_BUILDKIT": "0", **variables}
    return run(docker, "build", "-q", "--no-cache", str(context), env=environment).strip()


def taken(ignored: str) -> set[str]:
    """What we take, if the older builder looks there: below what is left out, only for exceptions that spell it."""
    ignore = Ignore.parse(ignored)
    exceptions = [pattern.text for pattern in ignore.patterns if pattern.exception]

    def seen(place: str) -> bool:
        folders = ["/".join(place.split("/")[:depth]) for depth in range(1, place.count("/") + 1)]
        return all(
            not ignore.ignores(folder) or any(f"{text}/".startswith(f"{folder}/") for text in exceptions)
            for folder in folders
        )

    return {place for place in PLACES if not ignore.ignores(place) and seen(place)}


@pytest.mark.parametrize("ignored", HARD)
def test_hard_cases(sent: Callable[[str], set[str]], ignored: str) -> None:
    assert sent(ignored) == taken(ignored)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(patterns=st.lists(_patterns, min_size=1, max_size=5))
def test_generated(sent: Callable[[str], set[str]], patterns: list[str]) -> None:
    ignored = "\n".join(patterns)
    assert sent(ignored) == taken(ignored)


@pytest.mark.docker
def test_an_image_contains_what_is_sent(
    context: Path, sent: Callable[[str], set[str]], docker_engine: Callable[..., str]
) -> None:
    ignored = "*\n!d/e\nd/e/f\n!.a\n"
    image = _build("docker", context, ignored)
    try:
        saved = subprocess.run(["docker", "save", image], capture_output=True, check=True, timeout=600)
    finally:
        subprocess.run(["docker", "rmi", "-f", image], capture_output=True, check=False)

    assert _files(saved.stdout) == sent(ignored) == {".a", "d/e/a", "d/e/a.b", "d/e/b.py"}


def _files(saved: bytes) -> set[str]:
    """The files of an image that `docker save` wrote."""
    found: set[str] = set()
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        for name in json.loads(_content(archive, "manifest.json"))[0]["Layers"]:
            with tarfile.open(fileobj=io.BytesIO(_content(archive, name))) as layer:
                found |= {member.name for member in layer if member.isfile()}
    return found & set(PLACES)


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file
    return file.read()
