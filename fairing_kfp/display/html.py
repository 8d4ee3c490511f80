"""Pieces of HTML for notebooks: in their light or dark colours, without scripts, and without anything loaded.

Text is escaped unless it is `Html`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from urllib.parse import quote

_GREY = "rgba(128,128,128,.35)"
_RULES = {
    "": "color:var(--jp-content-font-color1,inherit);font:13px/1.5 var(--jp-content-font-family,system-ui,sans-serif);"
    "overflow-x:auto",
    "table": "border-collapse:collapse;margin:.3em 0;font-size:13px;table-layout:auto",
    "tr:nth-child(n)": "background:none",
    "th": f"text-align:left;font-weight:600;padding:.15em 1.2em .15em 0;border-bottom:1px solid {_GREY}",
    "td": "text-align:left;vertical-align:top;padding:.15em 1.2em .15em 0;border:0;white-space:normal;max-width:40em;"
    "overflow-wrap:anywhere",
    "code": "font:12px var(--jp-code-font-family,ui-monospace,monospace);background:none;padding:0;color:inherit",
    "pre": "font:12px/1.4 var(--jp-code-font-family,ui-monospace,monospace);color:inherit;max-height:24em;"
    "overflow:auto;margin:.3em 0;padding:.5em;white-space:pre-wrap;overflow-wrap:anywhere;"
    "background:rgba(128,128,128,.12)",
    "a": "color:var(--jp-content-link-color,#2f81d6)",
    "summary": "cursor:pointer",
    "details": "margin:.1em 0",
    "svg": "display:block;max-width:100%;height:auto;margin:.4em 0;color:inherit",
    ".muted": "opacity:.7",
    ".good": "color:#2da44e",
    ".bad": "color:#e5484d",
    ".active": "color:#2f81d6",
    ".artifact": f"border:1px solid {_GREY};padding:.3em .8em;max-height:30em;overflow:auto;contain:content",
    ".step summary": "display:flex;gap:.8em;list-style:none;white-space:nowrap",
    ".step summary::before": "content:'▸';opacity:.6",
    ".step[open] summary::before": "content:'▾'",
    ".step pre": "display:flex;flex-direction:column-reverse",  # scrolled to its end
    ".step .name": "min-width:12em;font-weight:600",
    ".step .time": "min-width:4.5em;text-align:right",
    ".step .last": "overflow:hidden;text-overflow:ellipsis;opacity:.7",
}
_ROOT = ".fairing-kfp.fairing-kfp"  # twice, so that it wins over the style sheet of JupyterLab
_STYLE = "".join(f"{_ROOT} {selector}".rstrip() + f"{{{rules}}}" for selector, rules in _RULES.items())


class Html(str):
    """Text that is HTML."""

    __slots__ = ()


def escaped(value: object) -> Html:
    """A value as HTML: its text, or the HTML that it is."""
    return value if isinstance(value, Html) else Html(html.escape(str(value)))


def joined(parts: Iterable[object], between: str = "") -> Html:
    """HTML of several values."""
    return Html(between.join(map(escaped, parts)))


def element(tag: str, content: object, css: str = "") -> Html:
    """An element, with a class of the style sheet; nothing without content."""
    start = f'<{tag} class="{css}">' if css else f"<{tag}>"
    return Html(f"{start}{escaped(content)}</{tag}>" if content != "" else "")


def fragment(*parts: object) -> Html:
    """What `_repr_html_` returns: parts below each other, with the style sheet."""
    return Html(f'<div class="fairing-kfp"><style>{_STYLE}</style>{joined(parts)}</div>')


def title(name: object, kind: object, about: object = "") -> Html:
    """The first line: what it is, its name, and what is to be said about it."""
    return Html(f'<div><span class="muted">{escaped(kind)}</span> <b>{escaped(name)}</b> {escaped(about)}</div>')


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """A table without its empty columns; nothing without rows.

    Args:
        header: the names of the columns; none for a table without a header.
        rows: the cells.
    """
    lines = [list(map(escaped, row)) for row in rows]
    filled = [number for number in range(max(map(len, lines), default=0)) if any(row[number] for row in lines)]
    body = "".join(f"<tr>{''.join(f'<td>{row[number]}</td>' for number in filled)}</tr>" for row in lines)
    names = "".join(f"<th>{escaped(header[number])}</th>" for number in filled) if header else ""
    head = f"<thead><tr>{names}</tr></thead>" if names else ""
    return Html(f"<table>{head}<tbody>{body}</tbody></table>" if body else "")


def folded(summary: object, content: object, *, is_open: bool = False) -> Html:
    """Content that a click on its summary shows; nothing if it is empty."""
    opened = " open" if is_open else ""
    return Html(
        f"<details{opened}><summary>{escaped(summary)}</summary>{escaped(content)}</details>" if content else ""
    )


def link(url: str, text: object) -> Html:
    """A link to a page; only the text if the address is of another kind than `https`, `http` or a path."""
    if ":" in url.partition("/")[0] and not url.startswith(("https://", "http://")):
        return escaped(text)
    return Html(f'<a href="{html.escape(url)}" target="_blank" rel="noopener noreferrer">{escaped(text)}</a>')


def file_link(path: str, text: object) -> Html:
    """A link to a file: JupyterLab opens one whose path is relative to the notebook."""
    return link(quote(path, safe="/.-_~"), text)


def shortened(text: str, limit: int) -> str:
    """The text, with an ellipsis in place of what exceeds a number of characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
