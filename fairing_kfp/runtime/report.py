"""An executed notebook → one HTML file that needs nothing else, and can do nothing.

Every cell is rendered and sanitised by itself, so that none can break out of its place. The page loads nothing and
forbids the browser to: its images are in it, its style is ours, and there are no scripts, not even ours.
"""

from __future__ import annotations

import base64
import html
import json
import mimetypes
import os
import re
from typing import Any
from urllib.parse import unquote

from .sanitiser import sanitised

LARGEST_OUTPUT = 2_000_000
"""Characters of one output; images are counted as base64."""
LARGEST_REPORT = 20_000_000
"""Characters of the whole, above which further outputs are left out."""

_TAIL = 20_000  # characters that are kept of a log that is too long
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07")
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_SOURCE = re.compile(r'(<img\b[^>]*?\bsrc=")([^"]+)(")')
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff }
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


def report(notebook: Any, title: str, status: str, folder: str) -> str:
    """The page of an executed notebook.

    Args:
        notebook: as nbformat 4 has it.
        title: the notebook's name.
        status: what went wrong; empty when nothing did.
        folder: where images lie that its texts name.
    """
    from pygments.formatters import HtmlFormatter

    banner = (
        f'<p class="banner error">{html.escape(status)}</p>' if status else '<p class="banner ok">All cells ran.</p>'
    )
    parts = []
    room = LARGEST_REPORT
    for cell in notebook["cells"]:
        for part in _cell(cell, folder):
            if len(part) > room:
                part = _left_out("This part", len(part), "the report is full")
            room -= len(part)
            parts.append(part)
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{html.escape(title)}</title>\n<style>{_STYLE}{HtmlFormatter().get_style_defs('.source')}</style>",
            f"</head>\n<body>\n<h1>{html.escape(title)}</h1>\n{banner}",
            *parts,
            "</body>\n</html>\n",
        )
    )


def plain(text: str) -> str:
    """Terminal output without colours, and of lines that overwrite themselves (progress bars) the last state."""
    lines = _ANSI.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _cell(cell: Any, folder: str) -> list[str]:
    source = cell["source"]
    if cell["cell_type"] == "markdown":
        return [f'<div class="cell">{_markdown(source, cell.get("attachments", {}), folder)}</div>']
    if cell["cell_type"] == "raw":
        return [f'<div class="cell"><pre>{html.escape(source)}</pre></div>']
    count = cell.get("execution_count") or " "
    code = f'<div class="cell"><div class="count">[{count}]</div><pre class="source">{_code(source)}</pre></div>'
    return [code, *(_output(output, folder) for output in cell["outputs"])] if source.strip() else []


def _code(source: str) -> str:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return str(highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)))


def _output(output: Any, folder: str) -> str:
    kind = output["output_type"]
    if kind == "stream":
        text = plain(output["text"])
        note = ""
        if len(text) > LARGEST_OUTPUT:
            note = _left_out("The beginning of this output", len(text) - _TAIL)
            text = text[-_TAIL:]
        return f'<div class="output {output["name"]}">{note}<pre>{html.escape(text)}</pre></div>'
    if kind == "error":
        text = plain("\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}")
        return f'<div class="output error"><pre>{html.escape(text[-LARGEST_OUTPUT:])}</pre></div>'
    return f'<div class="output">{_data(output["data"], folder)}</div>'


def _data(data: Any, folder: str) -> str:
    """The richest form of an output that a page without scripts can show."""
    notes = []
    for kind in (
        "text/html",
        "image/svg+xml",
        *_IMAGES,
        "text/markdown",
        "text/latex",
        "application/json",
        "text/plain",
    ):
        if kind not in data:
            continue
        value = data[kind]
        text = value if isinstance(value, str) else json.dumps(value, indent=1)
        if len(text) > LARGEST_OUTPUT:
            notes.append(_left_out(f"An output ({kind})", len(text)))
            continue
        shown = _shown(kind, text, folder)
        if shown:
            return "".join((*notes, shown))
    return "".join(notes) or '<span class="note">An output that only a live notebook can show.</span>'


def _shown(kind: str, text: str, folder: str) -> str:
    if kind == "text/html":
        shown = sanitised(text)
        return shown if re.search(r"<img|[^\s<>]", re.sub(r"<(?!img)[^>]*>", "", shown)) else ""
    if kind == "image/svg+xml":  # as an image it runs no scripts and loads nothing
        return _image(kind, base64.b64encode(text.encode()).decode())
    if kind in _IMAGES:
        return _image(kind, "".join(text.split()))
    if kind == "text/markdown":
        return _markdown(text, {}, folder)
    return f"<pre>{html.escape(plain(text))}</pre>"


def _image(kind: str, encoded: str) -> str:
    return f'<img alt="" src="data:{kind};base64,{html.escape(encoded)}">'


def _markdown(text: str, attachments: Any, folder: str) -> str:
    import mistune

    if len(text) > LARGEST_OUTPUT:
        return _left_out("A text", len(text))
    for name, forms in attachments.items():
        for kind, value in forms.items():
            text = text.replace(f"(attachment:{name}", f"(data:{kind};base64,{''.join(value.split())}")
    rendered = mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "task_lists"])(text)

    def inlined(match: re.Match[str]) -> str:
        return f"{match[1]}{_file(html.unescape(match[2]), folder) or match[2]}{match[3]}"

    return sanitised(_SOURCE.sub(inlined, str(rendered)))


def _file(source: str, folder: str) -> str:
    """An image beside the notebook, as the page's own; empty for any other source."""
    kind = mimetypes.guess_type(source)[0] or ""
    path = os.path.join(folder, unquote(source))
    if ":" in source or not kind.startswith("image/") or not os.path.isfile(path):
        return ""
    if os.path.getsize(path) > LARGEST_OUTPUT:
        return ""
    with open(path, "rb") as file:
        return f"data:{kind};base64,{base64.b64encode(file.read()).decode()}"


def _left_out(what: str, size: int, why: str = "") -> str:
    because = f", as {why}" if why else ""
    return f'<p class="note">{what} of {size / 1e6:.1f} MB is not shown here{because}; the notebook itself has it.</p>'
