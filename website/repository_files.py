"""Hook of MkDocs: the files of the checkout that pages link to are pages of the site, below `repository/`.

Links between files keep working on the site as they do in the checkout.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

TOP = Path(__file__).parents[1]
_FOLDER = "repository"
_LINK = re.compile(r"(?<=\]\()([^)#\s]+)")
_LANGUAGES = {".ipynb": "json", ".py": "python", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml"}


def on_files(files: Files, config: Any) -> Files:
    """Adds the files that pages of `docs` and of the navigation link to, and those that they link to."""
    pages = [_path(file.src_uri) for file in files.documentation_pages()]
    known = set(pages)
    waiting = [*pages, *(path for path in _named(config["nav"]) if not _is_doc(path))]
    while waiting:
        path = waiting.pop()
        if path not in known:
            known.add(path)
            files.append(File.generated(config, _uri(path), content=_content(path)))
        if path.endswith(".md"):
            text = (TOP / path).read_text("utf-8")
            waiting += [target for target in _targets(path, text) if target not in known and not _is_doc(target)]
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Rewrites links to files of the checkout to links to their pages."""
    uri = page.file.src_uri

    def rewrite(match: re.Match[str]) -> str:
        target = _target(_path(uri), match[1])
        return posixpath.relpath(_uri(target), posixpath.dirname(uri)) if target else match[1]

    return _LINK.sub(rewrite, markdown)


def _named(nav: Any) -> Iterable[str]:
    if isinstance(nav, str):
        yield _path(nav)
    else:
        for one in nav.values() if isinstance(nav, dict) else nav:
            yield from _named(one)


def _is_doc(path: str) -> bool:
    return path.startswith("docs/")


def _path(uri: str) -> str:
    """The file of a page."""
    inner = uri.removeprefix(f"{_FOLDER}/")
    if inner == uri:
        return f"docs/{uri}"
    return inner if (TOP / inner).exists() else inner.removesuffix(".md")


def _uri(path: str) -> str:
    """The page of a file."""
    if _is_doc(path):
        return path.removeprefix("docs/")
    return f"{_FOLDER}/{path if path.endswith('.md') else f'{path}.md'}"


def _target(path: str, link: str) -> str | None:
    """The file that a link in a file leads to; None for an address."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
    return target if (TOP / target).is_file() else None


def _targets(path: str, text: str) -> list[str]:
    return [target for link in _LINK.findall(text) if (target := _target(path, link))]


def _content(path: str) -> str:
    file = TOP / path
    text = file.read_text("utf-8")
    if file.suffix == ".md":
        return text
    return f"# {path}\n\n``````{_LANGUAGES.get(file.suffix, 'text')}\n{text}\n``````\n"
