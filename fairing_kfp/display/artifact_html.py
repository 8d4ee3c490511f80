"""Artifacts in a notebook: HTML and Markdown inline, metrics as tables and pictures.

Content of artifacts is untrusted: it is sanitised, and read up to a limit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.display.charts import confusion_matrix, roc_curve
from fairing_kfp.display.html import Html, element, escaped, file_link, joined, shortened

LIMIT = 500_000
"""The largest file that is shown inline, in bytes."""

_LONGEST_VALUE = 200
_WITHOUT_SOURCE = re.compile(r"<img(?![^>]* src=)[^>]*>")
"""Images that would be loaded from elsewhere, as the sanitiser leaves them."""


def artifact_content(path: Path) -> Html:
    """The content of an HTML or Markdown file, sanitised; nothing for other files and large ones.

    Args:
        path: the file; its suffix tells what it is.
    """
    if path.suffix not in (".html", ".md") or not path.is_file() or path.stat().st_size > LIMIT:
        return Html()
    from fairing_kfp.runtime.sanitiser import sanitised

    text = path.read_text(encoding="utf-8", errors="replace")
    shown = _WITHOUT_SOURCE.sub("", sanitised(_rendered(text) if path.suffix == ".md" else text))
    return element("div", Html(shown), "artifact") if shown.strip() else Html()


def _rendered(text: str) -> str:
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return str(markdown.render(text))


def metric_rows(metadata: Mapping[str, Any]) -> list[tuple[Html, Html]]:
    """The scalars among metadata of an artifact, such as metrics: rows of a table."""
    return [(escaped(key), value_html(value)) for key, value in metadata.items() if not isinstance(value, (dict, list))]


def metric_pictures(metadata: Mapping[str, Any]) -> Html:
    """The confusion matrix and the ROC curve among metadata of an artifact, if they have KFP's form."""
    try:
        return joined((confusion_matrix(metadata), roc_curve(metadata)))
    except (AttributeError, TypeError):  # a step may write any metadata
        return Html()


def value_html(value: Any) -> Html:
    """A value of an output, shortened."""
    return element("code", shortened(str(getattr(value, "uri", value)), _LONGEST_VALUE))


def path_html(uri: str, text: str = "") -> Html:
    """A path: a link if it is below the current folder, from where JupyterLab opens it.

    Args:
        uri: the path, or another address, which is not linked.
        text: what to show instead of the path.
    """
    path, here = Path(uri), Path.cwd()
    if not path.is_relative_to(here):
        return element("code", uri)
    relative = path.relative_to(here).as_posix()
    return file_link(relative, text or relative)
