"""HTML of unknown origin → HTML that shows the same and can do nothing.

Nothing of the original is copied: what is on the lists is written anew, everything else is left out. So what comes out
holds no script, loads nothing, and posts nowhere.
"""

from __future__ import annotations

import html
import html.parser
import re

_SHOWN = frozenset(
    re.findall(
        r"\w+",
        "a abbr b big blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure "
        "h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span strike strong sub summary sup "
        "table tbody td tfoot th thead tr tt u ul var",
    )
)
_EMPTY = frozenset(("br", "col", "hr", "img"))
_SILENT = frozenset(
    re.findall(
        r"\w+",
        "applet audio canvas frameset head iframe math noembed noframes noscript object script select style svg "
        "template textarea title video xmp",
    )
)
"""Elements that are left out with all they hold."""
_ATTRIBUTES = frozenset(
    re.findall(r"\w+", "align alt border class colspan height id name open rowspan scope span start title type width")
)
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*\Z")
_LINK = re.compile(r"(?:https?://|mailto:|#)[^\x00-\x20]*\Z", re.IGNORECASE)
_STYLE = re.compile(
    r"(?:color|background-color|text-align|vertical-align|font-weight|font-style|font-size|font-family|width|height|"
    r"max-width|max-height|min-width|padding|margin|border|white-space|text-decoration|float)(?:-[a-z]+)*\Z"
)
_STYLE_VALUE = re.compile(r"(?:[-\w\s#.,%!]|rgba?\([\d\s.,%]*\))*\Z")


def sanitised(text: str) -> str:
    """The same HTML without all that could act or load."""
    sanitiser = _Sanitiser()
    sanitiser.feed(text)
    sanitiser.close()
    return "".join((*sanitiser.parts, *(f"</{tag}>" for tag in reversed(sanitiser.open))))


class _Sanitiser(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.open: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._silent:
            if tag == self._silent[-1]:  # so that its end is told from the outer one's
                self._silent.append(tag)
        elif tag in _SILENT:
            self._silent.append(tag)
        elif tag in _SHOWN:
            kept = "".join(
                f' {name}="{html.escape(value)}"'
                for name, value in ((n, _kept(tag, n, v or "")) for n, v in attrs)
                if value
            )
            if tag == "a":
                kept += ' rel="noopener noreferrer" target="_blank"'
            self.parts.append(f"<{tag}{kept}>")
            if tag not in _EMPTY:
                self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
        elif tag in self.open:
            while True:
                inner = self.open.pop()
                self.parts.append(f"</{inner}>")
                if inner == tag:
                    break

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(html.escape(data, quote=False))


def _kept(tag: str, name: str, value: str) -> str:
    """What is kept of an attribute's value; empty for nothing."""
    if name in _ATTRIBUTES:
        return value
    if tag == "img" and name == "src":
        return value if _IMAGE.match(value) else ""
    if tag == "a" and name == "href":
        return value if _LINK.match(value) else ""
    if name == "style":
        return "; ".join(one.strip() for one in value.split(";") if _is_harmless(one))
    return ""


def _is_harmless(declaration: str) -> bool:
    name, _, value = declaration.partition(":")
    return bool(_STYLE.match(name.strip().lower()) and _STYLE_VALUE.match(value))
