"""What comes out of the sanitiser can do nothing, whatever went in."""

from __future__ import annotations

import html.parser
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairing_kfp.runtime.sanitiser import sanitised

PIECES = st.sampled_from(
    [
        *("<script>", "</script>", "<svg/onload=alert(1)>", "<svg>", "</svg>", "<math><mtext>", "<style>", "</style>"),
        *("<img src=x onerror=alert(1)>", '<img src="data:image/png;base64,AAAA">', "<img src='https://x/y.png'>"),
        *('<a href="javascript:alert(1)">', '<a href="&#106;avascript:x">', '<a href="https://x/y">', "</a>", "<!--"),
        *("-->", "<![CDATA[", "]]>", "<iframe srcdoc='<script>'>", "</iframe>", "<form action=//x>", "<base href=//x>"),
        *("<div style='background:url(//x)'>", "<div onclick=x>", "</div>", "<table>", "</table>", "<noscript>", "<p"),
        *(
            "<template>",
            "<title>",
            "<textarea>",
            "<xmp>",
            "<plaintext>",
            "<meta http-equiv=refresh content=0>",
            "'",
            '"',
        ),
        *(
            "<link rel=stylesheet href=//x>",
            "<object data=//x>",
            "<embed src=//x>",
            "text",
            "&lt;script&gt;",
            "\x00",
            ">",
        ),
    ]
)


class Seen(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.values: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [(name, value or "") for name, value in attrs]


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.text(max_size=8), max_size=25).map("".join))
def test_nothing_acts_or_loads(text: str) -> None:
    made = sanitised(text)

    seen = Seen(made)
    acting = {"script", "style", "svg", "math", "iframe", "object", "embed", "form", "base", "meta", "link", "template"}
    assert not acting.intersection(seen.tags)
    for name, value in seen.values:
        assert not name.startswith("on")
        if name == "src":
            assert value.startswith("data:image/")
        if name == "href":
            assert re.match(r"https?://|mailto:|#", value)
        assert "url(" not in value or name not in ("style",)
    assert sanitised(made) == made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>a <b>b</b> &amp; c</p>", "<p>a <b>b</b> &amp; c</p>"),
        ("<script>alert(1)</script>shown", "shown"),
        ("<svg><p>not</p></svg><p>shown</p>", "<p>shown</p>"),
        (
            "<table><tr><td style='color: red; position: fixed'>1",
            '<table><tr><td style="color: red">1</td></tr></table>',
        ),
        ("a</div></div>b", "ab"),
        ("<embed src=x>shown", "shown"),
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert sanitised(text) == expected
