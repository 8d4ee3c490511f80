"""The code blocks of the documentation, and what the comments before them say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import mistune

from tests.support.paths import TOP

PAGES = (TOP / "README.md", *sorted((TOP / "docs").rglob("*.md")))

_FENCE = re.compile(r"^( *)(`{3,})(\w*)(.*)$")
_COMMENT = re.compile(r"^ *<!-- (not run|continues)(?:: (.*))? -->$")
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        page: its page, relative to the checkout.
        line: the line of its first fence, from 1.
        language: the language of the fence, such as `python`; empty if it has none.
        title: the name of the file that it is.
        text: its lines, without the indentation of the fence.
        not_run: why it is not run; None if it is.
        continues: whether it goes on in the names of the block of Python before it.
    """

    page: str
    line: int
    language: str
    title: str | None
    text: str
    not_run: str | None = None
    continues: bool = False

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(text: str, page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    lines = text.splitlines(keepends=True)
    comments: dict[str, str] = {}
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if fence := _FENCE.match(line.rstrip("\n")):
            indentation, ticks, language, rest = fence.groups()
            start = number
            while lines[number].strip() != ticks:
                number += 1
            inner = "".join(one.removeprefix(indentation) for one in lines[start:number])
            number += 1
            title = _TITLE.search(rest)
            yield Block(
                page,
                start,
                language,
                title[1] if title else None,
                inner,
                comments.get("not run"),
                "continues" in comments,
            )
        if comment := _COMMENT.match(line.rstrip("\n")):
            comments[comment[1]] = comment[2] or ""
        elif line.strip():
            comments = {}


def indented_blocks(text: str) -> list[str]:
    """The first lines of blocks that are indented instead of fenced."""
    return [
        token["raw"].splitlines()[0]
        for token in _tokens(mistune.create_markdown(renderer=None)(text))
        if token["type"] == "block_code" and token["style"] == "indent"
    ]


def _tokens(found: object) -> Iterator[dict[str, object]]:
    for token in found if isinstance(found, list) else []:
        yield token
        yield from _tokens(token.get("children"))


BLOCKS = tuple(
    block for page in PAGES for block in blocks_of(page.read_text("utf-8"), page.relative_to(TOP).as_posix())
)
