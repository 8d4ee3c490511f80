"""The page of an executed notebook."""

from __future__ import annotations

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
    (tmp_path / "dot.png").write_bytes(b"png")
    cell = v4.new_markdown_cell("![a](attachment:pixel.png) ![b](dot.png) ![c](../outside.png)")
    cell["attachments"] = {"pixel.png": {"image/png": PIXEL}}

    text = page(cell, folder=str(tmp_path))

    assert f"data:image/png;base64,{PIXEL}" in text
    assert "data:image/png;base64,cG5n" in text
    assert "outside.png" not in text


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (data(text_html="<b>rich</b>", text_plain="poor"), "<b>rich</b>"),
        (data(text_html="<script>draw()</script>", text_plain="poor"), "<pre>poor</pre>"),
        (data(text_html="<div><script>draw()</script></div>", image_png=PIXEL), f"base64,{PIXEL}"),
        (data(text_markdown="*m*", text_plain="poor"), "<em>m</em>"),
        (data(application_javascript="draw()"), "only a live notebook"),
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
    monkeypatch.setattr(reports, "LARGEST_REPORT", 50_000)

    text = shown(*(v4.new_output("stream", name="stdout", text="y" * 10_000) for _ in range(50)))

    assert len(text) < 80_000
    assert "the report is full" in text


def test_status_comes_first() -> None:
    assert "cell 3: ValueError: &lt;no&gt;" in page(status="cell 3: ValueError: <no>")


def test_plain_text() -> None:
    assert plain("\x1b]0;title\x07a\r\nb\x1b[1;31m!\x1b[0m") == "a\nb!"
