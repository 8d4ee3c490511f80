"""Sanitises untrusted HTML: removes scripts, forms, and everything that loads resources.

Elements and attributes on allow lists are written again from their parsed form, and all others are removed. The input
is read in one pass, in linear time: `html.parser` of most Python releases takes minutes for a megabyte of unfinished
tags.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable

_ALLOWED = frozenset(
    re.findall(
        r"\w+",
        "a abbr b big blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure "
        "h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span strike strong sub summary sup "
        "table tbody td tfoot th thead tr tt u ul var",
    )
)
_VOID = frozenset(("br", "col", "hr", "img"))
_REMOVED = frozenset(
    re.findall(
        r"\w+",
        "applet audio canvas frameset head iframe math noembed noframes noscript object script select style svg "
        "template textarea title video xmp",
    )
)
"""Elements that are removed with their content."""
_TEXT_CONTENT = frozenset(re.findall(r"\w+", "iframe noembed noframes noscript script style textarea title xmp"))
"""Those of the removed elements whose content is text up to their end tag, not elements."""
_CLOSES = {
    "p": ("p",),
    "li": ("li",),
    "dt": ("dt", "dd"),
    "dd": ("dt", "dd"),
    "td": ("td", "th"),
    "th": ("td", "th"),
    "tr": ("td", "th", "tr"),
}
"""The elements that the start of an element closes."""
_MAX_DEPTH = 200
"""The maximum nesting of elements; of deeper elements, only the content is kept."""
_MARK = re.compile(r"<(?=[a-zA-Z/!?])")
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_ATTRIBUTE = re.compile(r"""[\s/]*([^\s/>][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)))?""")
_TAG_END = re.compile(r"[\s/]*>")
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


def sanitised(text: str, image: Callable[[str], str] = str) -> str:
    """Sanitises HTML.

    Args:
        text: the HTML.
        image: converts the source of an image; the result is kept if it is a `data:` URL.

    Returns:
        HTML with balanced tags.
    """
    sanitiser = _Sanitiser(image)
    sanitiser.read(text)
    return "".join((*sanitiser.parts, *(f"</{tag}>" for tag in reversed(sanitiser.open))))


class _Sanitiser:
    def __init__(self, image: Callable[[str], str]) -> None:
        self.parts: list[str] = []
        self.open: list[str] = []
        self._image = image
        self._count: Counter[str] = Counter()  # of open elements by tag
        self._removed = ""
        self._removed_depth = 0

    def read(self, text: str) -> None:
        at = 0
        while 0 <= at < len(text):
            mark = _MARK.search(text, at)
            self._data(text[at : mark.start() if mark else len(text)])
            at = self._markup(text, mark.start()) if mark else -1

    def _markup(self, text: str, start: int) -> int:
        """Parses the markup at a `<`; returns the position after it, or -1 if its end is missing."""
        if text.startswith("<!--", start):
            end_of_comment = text.find("-->", start + 2)
            return end_of_comment + 3 if end_of_comment >= 0 else -1
        tag = _TAG.match(text, start)
        if tag is None:
            return text.find(">", start) + 1 or -1
        name, at, attributes = tag[2].lower(), tag.end(), []
        while (end := _TAG_END.match(text, at)) is None:
            found = _ATTRIBUTE.match(text, at)
            if found is None:  # the text ends within the tag
                return -1
            attributes.append((found[1].lower(), html.unescape(found[2] or found[3] or found[4] or "")))
            at = found.end()
        if tag[1]:
            self._end(name)
            return end.end()
        self._start(name, attributes)
        if text[end.end() - 2] == "/":
            self._end(name)
        elif name in _TEXT_CONTENT:
            after = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(text, end.end())
            return after.start() if after else -1
        return end.end()

    def _start(self, tag: str, attributes: list[tuple[str, str]]) -> None:
        if self._removed:
            self._removed_depth += tag == self._removed  # to match its end tag
        elif tag in _REMOVED:
            self._removed, self._removed_depth = tag, 1
        elif tag in _ALLOWED:
            while self.open and self.open[-1] in _CLOSES.get(tag, ()):
                self._close()
            if len(self.open) >= _MAX_DEPTH:
                return
            kept = "".join(
                f' {name}="{html.escape(value)}"'
                for name, value in ((name, self._kept(tag, name, value)) for name, value in attributes)
                if value
            )
            if tag == "a":
                kept += ' rel="noopener noreferrer" target="_blank"'
            self.parts.append(f"<{tag}{kept}>")
            if tag not in _VOID:
                self.open.append(tag)
                self._count[tag] += 1

    def _end(self, tag: str) -> None:
        if self._removed:
            self._removed_depth -= tag == self._removed
            if not self._removed_depth:
                self._removed = ""
        elif self._count[tag]:
            while self._close() != tag:
                pass

    def _close(self) -> str:
        tag = self.open.pop()
        self._count[tag] -= 1
        self.parts.append(f"</{tag}>")
        return tag

    def _data(self, data: str) -> None:
        if data and not self._removed:
            self.parts.append(html.escape(html.unescape(data), quote=False))

    def _kept(self, tag: str, name: str, value: str) -> str:
        """The sanitised value of an attribute; empty to remove the attribute."""
        if name in _ATTRIBUTES:
            return value
        if tag == "img" and name == "src":
            source = self._image(value)
            return source if _IMAGE.match(source) else ""
        if tag == "a" and name == "href":
            return value if _LINK.match(value) else ""
        if name == "style":
            return "; ".join(one.strip() for one in value.split(";") if _is_allowed(one))
        return ""


def _is_allowed(declaration: str) -> bool:
    name, _, value = declaration.partition(":")
    return bool(_STYLE.match(name.strip().lower()) and _STYLE_VALUE.match(value))
