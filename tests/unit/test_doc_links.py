"""Links and anchors of the Markdown files lead somewhere, and the site of `make docs` has each page and public name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import mistune
import pytest

import fairing_kfp
from fairing_kfp.cli import main
from tests.support.paths import TOP

_PARSE = mistune.create_markdown(renderer=None, plugins=["table"])
CONFIG = (TOP / "mkdocs.yml").read_text("utf-8")
PAGES = sorted(
    path
    for pattern in ("*.md", "bench/*.md", "components/**/*.md", "docs/**/*.md", "pipelines/*.md", "samples/**/*.md")
    for path in TOP.glob(pattern)
)


@cache
def tokens_of(path: Path) -> tuple[dict[str, Any], ...]:
    return tuple(walk(_PARSE(path.read_text("utf-8"))))


def walk(tokens: Any) -> Iterator[dict[str, Any]]:
    for token in tokens:
        yield token
        yield from walk(token.get("children") or ())


def anchors_of(path: Path) -> set[str]:
    """The anchors of the headings, as GitHub and the site make them."""
    headings = (token["children"] for token in tokens_of(path) if token["type"] == "heading")
    texts = ("".join(one.get("raw", "") for one in walk(children)) for children in headings)
    return {re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-") for text in texts}


def dead_links(path: Path) -> list[str]:
    found = []
    for token in tokens_of(path):
        if token["type"] not in ("link", "image"):
            continue
        url = token["attrs"]["url"]
        target, _, anchor = url.partition("#")
        if re.match(r"https?://", url) and token["type"] == "link":
            continue
        file = path.parent / target if target else path
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            found.append(url)
    return found


def unknown_words(text: str) -> list[str]:
    """The subcommand or the options of a command line in a sentence that fairing-kfp does not have."""
    _, *words = re.split(r"[\s=|]+", text)
    command: click.Command | None = main
    context, options = click.Context(main), set[str]()
    while isinstance(command, click.Group):
        options |= {option for parameter in command.params for option in parameter.opts}
        if not words or not re.fullmatch(r"[a-z]+(-[a-z]+)*", words[0]):
            break
        name = words.pop(0)
        command = command.get_command(context, name)
        if command is None:
            return [name]
    options |= {option for parameter in (command or main).params for option in parameter.opts} | {"--help", "--verbose"}
    return [word for word in words if re.fullmatch(r"--[a-z-]+", word) and word not in options]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(TOP).as_posix())
def test_links_and_pictures_lead_to_files_and_headings(path: Path) -> None:
    assert dead_links(path) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(TOP).as_posix())
def test_commands_within_sentences_exist(path: Path) -> None:
    spans = [token["raw"] for token in tokens_of(path) if token["type"] == "codespan"]
    commands = [span for span in spans if span.startswith("fairing-kfp ")]
    assert {span: unknown_words(span) for span in commands if unknown_words(span)} == {}


def test_unknown_commands_are_found() -> None:
    assert unknown_words("fairing-kfp recurring lists") == ["lists"]
    assert unknown_words("fairing-kfp run a.py --repot=b.html --report b.html") == ["--repot"]


def test_dead_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# The `page=`\n[a](#the-page) [b](#no) [c](no.md) [d](https://example.com) ![e](https://example.com/e.png)\n"
    )
    assert dead_links(tmp_path / "a.md") == ["#no", "no.md", "https://example.com/e.png"]


def test_each_page_is_in_the_navigation_once() -> None:
    listed = [name for name in re.findall(r"[\w/-]+\.md", CONFIG) if not name.startswith("repository/")]

    assert sorted(listed) == sorted(page.relative_to(TOP / "docs").as_posix() for page in (TOP / "docs").rglob("*.md"))


def test_the_reference_has_each_public_name_once() -> None:
    text = (TOP / "docs/reference/python.md").read_text("utf-8")
    listed = re.findall(r"^::: fairing_kfp\.([\w.]+)$", text, re.MULTILINE)
    expected = {*fairing_kfp.__all__, "testing", "component.decorator.FairingComponent"}
    elsewhere = {"FairingError", "RunFailedError", "StepFailedError", "components", "errors", "fairing_component"}

    assert sorted(listed) == sorted(expected - elsewhere)


def test_the_site_loads_nothing_from_other_hosts() -> None:
    assert "font: false" in CONFIG
    assert not re.search(r"https?://", CONFIG)
