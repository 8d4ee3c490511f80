"""Pieces of HTML: text is escaped, and links go to pages and files only."""

from __future__ import annotations

import pytest

from fairing_kfp.display.html import Html, element, escaped, file_link, folded, fragment, link, table

BAD = "<img src=x onerror=alert(1)>"
SAFE = "&lt;img src=x onerror=alert(1)&gt;"


def test_text_is_escaped_once() -> None:
    assert escaped(BAD) == SAFE
    assert escaped(escaped(BAD)) == SAFE
    assert escaped(Html("<b>")) == "<b>"
    assert SAFE in fragment(element("p", BAD))
    assert "<img" not in fragment(table([BAD], [[BAD]]), folded(BAD, BAD), link("https://x", BAD))


def test_a_table_omits_empty_columns() -> None:
    assert table(["a", "b", "c"], [["1", "", "3"], ["4", "", ""]]) == (
        "<table><thead><tr><th>a</th><th>c</th></tr></thead>"
        "<tbody><tr><td>1</td><td>3</td></tr><tr><td>4</td><td></td></tr></tbody></table>"
    )
    assert table(["a"], []) == ""


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "JAVASCRIPT:x", "vbscript:x", "minio://a/b"]
)
def test_no_link_to_other_kinds_of_addresses(url: str) -> None:
    assert link(url, "text") == "text"


def test_links() -> None:
    assert 'href="https://x/?a=1&amp;b=%22"' in link("https://x/?a=1&b=%22", "x")
    assert 'href="a%20b/%22%3A.html"' in file_link('a b/":.html', "x")
    assert 'href="/tmp/x"' in file_link("/tmp/x", "x")
