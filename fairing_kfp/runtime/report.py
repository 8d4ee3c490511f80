"""Renders an executed notebook as one self-contained HTML file without scripts.

Each cell is rendered and sanitised separately, so that its markup cannot affect other cells. The page contains its
images and its own style, and its content security policy forbids scripts and the loading of resources.
"""

from __future__ import annotations

import base64
import html
import json
import mimetypes
import os
import re
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from .sanitiser import sanitised

LARGEST_OUTPUT = 2_000_000
"""The limit of one output in characters; images are counted as base64."""
LARGEST_REPORT = 19_900_000
"""The limit of all cells in bytes, above which further outputs are left out."""

_LARGEST_RENDERED = 20_000
"""The limit of rendered Markdown or code in characters, since the time of rendering can grow with the square."""
_RENDER_SECONDS = 2.0
"""The CPU time for rendering Markdown and highlighting code, in seconds; the rest is shown as plain text."""

_TAIL = 20_000  # characters at the end of a too long text that are shown
_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours
    r"|(?:\x1b[\]PX^_]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC and the like: titles, the ends of links
    r"|\x1b(?:[ -/]*[0-~])?"
)
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_KINDS = ("text/html", "image/svg+xml", *_IMAGES, "text/markdown", "text/latex", "application/json", "text/plain")
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; color-scheme: light dark }
body { max-width: 60em; margin: 2em auto; padding: 0 1em }
pre, code { font-family: ui-monospace, monospace; font-size: 13px }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 }
.cell { margin: 1em 0 }
.source { background: #f6f7f8; border: 1px solid #dfe2e5; border-radius: 4px; padding: .6em .8em }
.count { color: #777; font: 12px ui-monospace, monospace }
.output { padding: .5em .8em; overflow-x: auto }
.stderr { background: #fff6e5 }
.error { background: #fdecec; border-left: 4px solid #c62828 }
.note { color: #777; font-style: italic }
.banner { padding: .8em 1em; border-radius: 4px }
.banner.ok { background: #e8f5e9 }
img { max-width: 100% }
table { border-collapse: collapse; font-size: 13px }
th, td { border: 1px solid #ddd; padding: .25em .6em; text-align: right }
blockquote { border-left: 4px solid #ddd; margin-left: 0; padding-left: 1em; color: #555 }
"""
_DARK = """
body { color: #ddd; background: #16181c }
.source { background: #1f2228; border-color: #3a3f47 }
.count, .note, blockquote { color: #9aa0a8; border-color: #444 }
.stderr { background: #33290f }
.error { background: #3a1a1a }
.banner.ok { background: #16301a }
th, td { border-color: #444 }
a { color: #8ab4f8 }
img, svg { background: #fff }
"""
_STYLES = ("default", "monokai")
"""Pygments' styles for light and dark pages."""


def report(notebook: Any, title: str, status: str, folder: str) -> str:
    """Renders the page of an executed notebook.

    Args:
        notebook: the notebook in nbformat 4.
        title: the name of the notebook.
        status: the failure; empty if the notebook succeeded.
        folder: the folder of the image files that the Markdown refers to.

    Returns:
        The HTML.
    """
    banner = (
        f'<p class="banner error">{html.escape(status)}</p>' if status else '<p class="banner ok">All cells ran.</p>'
    )
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{html.escape(title)}</title>\n<style>{_style()}</style>",
            f"</head>\n<body>\n<h1>{html.escape(title)}</h1>\n{banner}",
            *_fitting(_Renderer(folder).cells(notebook["cells"])),
            "</body>\n</html>\n",
        )
    )


def _style() -> str:
    """The style sheet, with light and dark colours."""
    from pygments.formatters import HtmlFormatter

    light, dark = (HtmlFormatter(style=name).get_style_defs(".source") for name in _STYLES)
    return (
        f"{_STYLE}{light}\n@media (prefers-color-scheme: dark) {{{_DARK}{dark}\n.source {{ background: #1f2228 }}\n}}"
    )


def plain(text: str) -> str:
    """Terminal output without escape sequences; of lines that are overwritten by `\\r`, only the last state."""
    lines = _ESCAPE.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _fitting(parts: Iterable[str]) -> Iterator[str]:
    """The parts within the limit of the report, and notes in place of other parts."""
    left = LARGEST_REPORT
    for part in parts:
        if (size := _bytes(part)) > left:
            part = _left_out("This part", size, "the report is full")
            size = len(part)
        if size <= left:
            left -= size
            yield part


class _Renderer:
    """Renders cells; an error in a cell does not affect other cells."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.realpath(folder)
        self._until = time.process_time() + _RENDER_SECONDS

    def cells(self, cells: Iterable[Any]) -> Iterator[str]:
        for cell in cells:
            yield self._render(self._source, cell)
            for output in cell.get("outputs", ()) if cell["source"].strip() else ():
                yield self._render(self._output, output)

    @staticmethod
    def _render(render: Callable[[Any], str], content: Any) -> str:
        try:
            return render(content)
        except Exception:  # an error in one part must not lose the page
            traceback.print_exc()
            return '<p class="note">This part cannot be shown here; see the artifact <code>notebook</code>.</p>'

    def _source(self, cell: Any) -> str:
        source = cell["source"]
        if cell["cell_type"] == "markdown":
            return f'<div class="cell">{self._markdown(source, cell.get("attachments", {}))}</div>'
        if cell["cell_type"] == "raw":
            return f'<div class="cell">{_text(source)}</div>'
        if not source.strip():
            return ""
        count = html.escape(str(cell.get("execution_count") or " "))
        return (
            f'<div class="cell"><div class="count">[{count}]</div><pre class="source">{self._code(source)}</pre></div>'
        )

    def _code(self, source: str) -> str:
        if not self._can_render(source):
            return html.escape(source[:LARGEST_OUTPUT])
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer

        return str(highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)))

    def _markdown(self, text: str, attachments: Any) -> str:
        if not self._can_render(text):
            return _text(text)
        import mistune

        renderer = mistune.HTMLRenderer(escape=False, allow_harmful_protocols=True)  # `sanitised` removes them
        rendered = mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough", "task_lists"])(text)
        return sanitised(str(rendered), lambda source: _attached(source, attachments) or _file(source, self._folder))

    def _can_render(self, text: str) -> bool:
        return len(text) <= _LARGEST_RENDERED and time.process_time() < self._until

    def _output(self, output: Any) -> str:
        kind = output["output_type"]
        if kind == "stream":
            error = " stderr" if output["name"] == "stderr" else ""
            return f'<div class="output{error}">{_text(plain(output["text"]))}</div>'
        if kind == "error":
            text = plain("\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}")
            return f'<div class="output error">{_text(text)}</div>'
        return f'<div class="output">{self._data(output["data"])}</div>'

    def _data(self, data: Any) -> str:
        """The richest representation of an output that a page without scripts can show."""
        notes = []
        for kind in _KINDS:
            if kind not in data:
                continue
            value = data[kind]
            text = value if isinstance(value, str) else json.dumps(value, indent=1)
            if len(text) > LARGEST_OUTPUT:
                notes.append(_left_out(f"An output ({kind})", len(text)))
            elif shown := self._form(kind, text):
                return "".join((*notes, shown))
        return "".join(notes) or '<span class="note">An output that needs a running notebook.</span>'

    def _form(self, kind: str, text: str) -> str:
        if kind == "text/html":
            shown = sanitised(text)
            return shown if re.search(r"<img|[^\s<>]", re.sub(r"<(?!img)[^>]*>", "", shown)) else ""
        if kind == "image/svg+xml":  # within an image element, SVG cannot run scripts or load resources
            return _image(kind, base64.b64encode(text.encode(errors="replace")).decode())
        if kind in _IMAGES:
            return _image(kind, "".join(text.split()))
        return self._markdown(text, {}) if kind == "text/markdown" else _text(plain(text))


def _text(text: str) -> str:
    """A text; only its end if it is too long."""
    if len(text) <= LARGEST_OUTPUT:
        return f"<pre>{html.escape(text)}</pre>"
    note = _left_out("The beginning of this text", len(text) - _TAIL)
    return f"{note}<pre>{html.escape(text[-_TAIL:])}</pre>"


def _image(kind: str, encoded: str) -> str:
    return f'<img alt="" src="data:{kind};base64,{html.escape(encoded)}">'


def _attached(source: str, attachments: Any) -> str:
    """The data URL of an image that is attached to the cell; empty for any other source."""
    if not source.startswith("attachment:"):
        return ""
    forms = attachments.get(unquote(source.removeprefix("attachment:")), {})
    return next((f"data:{kind};base64,{''.join(value.split())}" for kind, value in forms.items()), "")


def _file(source: str, folder: str) -> str:
    """The data URL of an image file in the notebook's folder; any other source unchanged."""
    kind = mimetypes.guess_type(source)[0] or ""
    path = os.path.realpath(os.path.join(folder, unquote(source)))
    if ":" in source or not kind.startswith("image/") or not path.startswith(os.path.join(folder, "")):
        return source
    if not os.path.isfile(path) or os.path.getsize(path) > LARGEST_OUTPUT:
        return source
    with open(path, "rb") as file:
        return f"data:{kind};base64,{base64.b64encode(file.read()).decode()}"


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def _left_out(what: str, size: int, why: str = "") -> str:
    because = f", as {why}" if why else ""
    shown = f"{what} of {size / 1e6:.1f} MB is not shown here{because}"
    return f'<p class="note">{shown}; see the artifact <code>notebook</code>.</p>'
