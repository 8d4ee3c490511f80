"""The page of an executed notebook."""

from __future__ import annotations

import html.parser
import re
from pathlib import Path
from typing import Any

import pytest
from nbformat import v4

from fairing_kfp.runtime import report as reports
from fairing_kfp.runtime.report import plain, report

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def page(*cells: Any, status: str = "", folder: str = ".") -> str:
    return report(v4.new_notebook(cells=list(cells)), "digits", status, folder)


def shown(*outputs: Any) -> str:
    return page(v4.new_code_cell("1", outputs=list(outputs)))


def data(**kinds: str) -> Any:
    return v4.new_output(
        "display_data", {kind.replace("_", "/").replace("svg", "svg+xml"): v for kind, v in kinds.items()}
    )


def test_it_is_one_file_that_loads_nothing() -> None:
    text = page(
        v4.new_markdown_cell(
            "# A & B\n\n<script src='https://x/y.js'></script> ![x](https://x/y.png) [link](https://x)"
        ),
        v4.new_code_cell("a < b", outputs=[data(image_png=PIXEL), data(image_svg="<svg onload='alert(1)'/>")]),
    )

    assert "<script" not in text
    assert not re.search(r'(?:src|href)="(?!data:|https://x")', text)
    assert "<link" not in text
    assert "default-src 'none'" in text
    assert f"data:image/png;base64,{PIXEL}" in text
    assert "data:image/svg+xml;base64," in text
    assert "&lt;" in text


def test_cells_stay_in_their_places() -> None:
    text = page(v4.new_markdown_cell("<div><table><script>"), v4.new_markdown_cell("</div></div> second"))

    assert "second" in text
    assert text.count("<div") == text.count("</div>")


def test_attachments_and_images_of_the_folder_are_in_it(tmp_path: Path) -> None:
    (tmp_path / "a dot.png").write_bytes(b"png")
    cell = v4.new_markdown_cell("![a](attachment:a%20pixel.png) ![b](a%20dot.png) <img src='./a dot.png'>")
    cell["attachments"] = {"a pixel.png": {"image/png": PIXEL}}

    text = page(cell, folder=str(tmp_path))

    assert f"data:image/png;base64,{PIXEL}" in text
    assert text.count("data:image/png;base64,cG5n") == 2


@pytest.mark.parametrize(
    "source",
    [
        *("../outside.png", "%2e%2e/outside.png", "in/../../outside.png", "{outside}", "file://{outside}", "link.png"),
        *(
            "links/outside.png",
            "..\\outside.png",
            "../notebook-other/outside.png",
            "in",
            "https://x/in.png",
            "//x/a.png",
        ),
    ],
)
def test_no_image_of_another_place_is_in_it(source: str, tmp_path: Path) -> None:
    folder = tmp_path / "notebook"
    (folder / "in").mkdir(parents=True)
    (tmp_path / "notebook-other").mkdir()
    for place in (tmp_path, tmp_path / "notebook-other"):
        (place / "outside.png").write_bytes(b"png")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "links").symlink_to(tmp_path)
    source = source.format(outside=tmp_path / "outside.png")

    text = page(
        v4.new_markdown_cell(f"![a]({source})"),
        v4.new_markdown_cell(f'<img src="{source}">'),
        folder=str(folder),
    )

    assert "<img" in text
    assert "src=" not in text.partition("</style>")[2]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (data(text_html="<b>rich</b>", text_plain="poor"), "<b>rich</b>"),
        (data(text_html="<script>draw()</script>", text_plain="poor"), "<pre>poor</pre>"),
        (data(text_html="<div><script>draw()</script></div>", image_png=PIXEL), f"base64,{PIXEL}"),
        (data(text_markdown="*m*", text_plain="poor"), "<em>m</em>"),
        (data(application_javascript="draw()"), "needs a running notebook"),
        (v4.new_output("stream", name="stderr", text="\x1b[31mred\x1b[0m\n1%\r50%\r100%\n"), "<pre>red\n100%\n</pre>"),
        (v4.new_output("error", ename="E", evalue="v", traceback=["\x1b[0;31mE\x1b[0m: <v>"]), "E: &lt;v&gt;"),
    ],
)
def test_each_kind_of_output(output: Any, expected: str) -> None:
    assert expected in shown(output)


def test_large_outputs_become_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "LARGEST_OUTPUT", 1000)
    monkeypatch.setattr(reports, "_TAIL", 100)

    text = shown(
        data(image_png="A" * 2000, text_plain="a figure"),
        v4.new_output("stream", name="stdout", text="x" * 3000 + "the end"),
    )

    assert "An output (image/png) of 0.0 MB is not shown here" in text
    assert "a figure" in text
    assert "the end" in text
    assert "x" * 101 not in text


def test_the_whole_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "LARGEST_REPORT", 20_000)

    text = shown(*(v4.new_output("stream", name="stdout", text="é" * 1_000) for _ in range(400)))

    assert len(text.encode()) < 40_000
    assert "the report is full" in text


UNFINISHED = [
    "<a ",
    "<b>",
    "<table>",
    "<!--",
    "</a>",
    "<svg><math>",
    "<a x='",
    "[a](",
    "![",
    "*a ",
    "> ",
    "`` ` ",
    "- a\n",
]


@pytest.mark.parametrize(
    "piece", [*UNFINISHED, "<", "&", "\x1b[", "\x1b]8;;", "'", "(", "f'{", "é☃", "x\r", "|a|b|\n|-|-|\n"]
)
def test_large_texts_reach_no_renderer(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of these can grow with the square of the text, or worse; the sanitiser reads each character once."""
    monkeypatch.setattr("mistune.create_markdown", lambda **_: pytest.fail("Markdown was rendered"))
    monkeypatch.setattr("pygments.highlight", lambda *_: pytest.fail("code was rendered"))
    text = piece * (100_000 // len(piece))

    made = page(
        v4.new_markdown_cell(text),
        v4.new_code_cell(text, outputs=[data(text_html=text), data(text_markdown=text), data(text_plain=text)]),
        v4.new_code_cell("1" * 20_001, outputs=[v4.new_output("stream", name="stdout", text=text)]),
    )

    assert made.endswith("</html>\n")
    assert "cannot be shown" not in made


def test_after_some_seconds_text_is_not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "_RENDER_SECONDS", 0.0)

    text = page(v4.new_markdown_cell("**bold** <b>"), v4.new_code_cell("import os  # <b>"))

    assert "<pre>**bold** &lt;b&gt;</pre>" in text
    assert "import os  # &lt;b&gt;" in text


def test_a_part_that_cannot_be_rendered_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    outputs = [{"output_type": "display_data"}, data(text_plain="the next one"), {"output_type": "stream"}]
    cell = {"cell_type": "code", "source": "1", "outputs": outputs}

    text = report({"cells": [cell]}, "digits", "", ".")

    assert text.count("This part cannot be shown here") == 2
    assert "<pre>the next one</pre>" in text
    assert "KeyError: 'data'" in capsys.readouterr().err


def test_names_and_counts_are_text() -> None:
    output = {"output_type": "stream", "name": 'x"><script>', "text": "t"}
    cell = {"cell_type": "code", "source": "1", "execution_count": "<script>", "outputs": [output]}

    text = report({"cells": [cell]}, "digits", "", ".")

    assert "<script" not in text
    assert "[&lt;script&gt;]" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b]0;title\x07a\r\nb\x1b[1;31m!\x1b[0m", "a\nb!"),
        ("\x1b]8;;https://x\x07one\x1b]8;;\x07 two", "one two"),
        ("\x1b]8;id=1;https://x\x1b\\one\x1b]8;;\x1b\\ two \x07", "one two \x07"),
        ("\x1b]8;;https://x\x9cone\x1b]8;;\x9c", "one"),
        ("\x1b]8;;https://x\x1b[1mone\x1b[0m two", "one two"),
        ("\x1b[38:2::1:2:3mcolour\x1b[K\x1b(B\x1b=\x1b", "colour"),
        ("\x9b31mred\x1bP1;2|data\x1b\\.", "red."),
        ("10%\r20%\r\n[1] x", "20%\n[1] x"),
    ],
)
def test_plain_text(text: str, expected: str) -> None:
    assert plain(text) == expected


SCRIPT = "x\"'><script>act()</script><img src=https://x/y.png onerror=act()>"
VECTORS: list[dict[str, Any]] = [
    *(
        {"cell_type": "code", "source": "1", "outputs": [{"output_type": "display_data", "data": {kind: SCRIPT}}]}
        for kind in (
            *("text/html", "text/markdown", "text/latex", "text/plain", "text/vnd.mermaid", "application/javascript"),
            *("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp", "application/json"),
            *("application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json"),
        )
    ),
    *(
        {"cell_type": "markdown", "source": source}
        for source in (
            *(SCRIPT, f"# {SCRIPT}", f"- {SCRIPT}", f"> {SCRIPT}", f"| a |\n|-|\n| {SCRIPT} |", f"~~{SCRIPT}~~"),
            *("[a](javascript:act())", "![a](javascript:act())", '![a](x"onerror="act())', "![a](https://x/y.png)"),
            *("[a][r]\n\n[r]: javascript:act()", "<javascript:act()>", f"[{SCRIPT}](x)", f"![{SCRIPT}](x)"),
        )
    ),
    {"cell_type": "markdown", "source": "![a](attachment:a)", "attachments": {"a": {SCRIPT: SCRIPT}}},
    {"cell_type": "markdown", "source": "![a](attachment:a)", "attachments": {"a": {"text/html": "PGI+"}}},
    {"cell_type": "raw", "source": SCRIPT},
    {"cell_type": "code", "source": SCRIPT, "execution_count": SCRIPT, "outputs": []},
    {"cell_type": "code", "source": "1", "outputs": [{"output_type": "stream", "name": SCRIPT, "text": SCRIPT}]},
    {
        "cell_type": "code",
        "source": "1",
        "outputs": [{"output_type": "error", "ename": SCRIPT, "evalue": SCRIPT, "traceback": []}],
    },
]


class Acting(html.parser.HTMLParser):
    """Collects what of a page could run a script or load something."""

    found: list[str]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "svg", "iframe", "object", "embed", "link", "form", "base", "math", "template"):
            self.found.append(tag)
        for name, value in attrs:
            loads = name in ("src", "srcset", "background") and not re.match("data:image/", value or "")
            if name.startswith("on") or loads or "javascript:" in (value or ""):
                self.found.append(f"{tag} {name}={value}")


@pytest.mark.parametrize("number", range(len(VECTORS)))
def test_nothing_of_a_notebook_acts_or_loads(number: int) -> None:
    seen = Acting()
    seen.found = []
    seen.feed(report({"cells": [VECTORS[number]]}, SCRIPT, SCRIPT, "."))

    assert seen.found == []
