"""HTML of unknown origin → HTML that shows the same and can do nothing.

Nothing of the original is copied: what is on the lists is written anew, everything else is left out. So what comes out
holds no script, loads nothing, and posts nowhere. Each character is read once: `html.parser` of most Pythons takes
minutes for a megabyte of unfinished tags.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable

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
_TEXT = frozenset(re.findall(r"\w+", "iframe noembed noframes noscript script style textarea title xmp"))
"""Those of them that hold text, up to their own end, rather than elements."""
_ENDED = {
    "p": ("p",),
    "li": ("li",),
    "dt": ("dt", "dd"),
    "dd": ("dt", "dd"),
    "td": ("td", "th"),
    "th": ("td", "th"),
    "tr": ("td", "th", "tr"),
}
"""Elements that end where another one starts."""
_DEEPEST = 200
"""Elements in each other; of those that are deeper only what they hold is kept."""
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
    """The same HTML without all that could act or load.

    Args:
        text: the HTML.
        image: the source that is shown for one of an image; kept if it is a `data:` URL.
    """
    sanitiser = _Sanitiser(image)
    sanitiser.read(text)
    return "".join((*sanitiser.parts, *(f"</{tag}>" for tag in reversed(sanitiser.open))))


class _Sanitiser:
    def __init__(self, image: Callable[[str], str]) -> None:
        self.parts: list[str] = []
        self.open: list[str] = []
        self._image = image
        self._count: Counter[str] = Counter()  # of the open ones
        self._silent = ""
        self._silent_depth = 0

    def read(self, text: str) -> None:
        at = 0
        while 0 <= at < len(text):
            mark = _MARK.search(text, at)
            self._data(text[at : mark.start() if mark else len(text)])
            at = self._markup(text, mark.start()) if mark else -1

    def _markup(self, text: str, start: int) -> int:
        """Reads what starts with `<`; gives the place after it, -1 where it has no end."""
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
        elif name in _TEXT:
            after = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(text, end.end())
            return after.start() if after else -1
        return end.end()

    def _start(self, tag: str, attributes: list[tuple[str, str]]) -> None:
        if self._silent:
            self._silent_depth += tag == self._silent  # so that its end is told from the outer one's
        elif tag in _SILENT:
            self._silent, self._silent_depth = tag, 1
        elif tag in _SHOWN:
            while self.open and self.open[-1] in _ENDED.get(tag, ()):
                self._close()
            if len(self.open) >= _DEEPEST:
                return
            kept = "".join(
                f' {name}="{html.escape(value)}"'
                for name, value in ((name, self._kept(tag, name, value)) for name, value in attributes)
                if value
            )
            if tag == "a":
                kept += ' rel="noopener noreferrer" target="_blank"'
            self.parts.append(f"<{tag}{kept}>")
            if tag not in _EMPTY:
                self.open.append(tag)
                self._count[tag] += 1

    def _end(self, tag: str) -> None:
        if self._silent:
            self._silent_depth -= tag == self._silent
            if not self._silent_depth:
                self._silent = ""
        elif self._count[tag]:
            while self._close() != tag:
                pass

    def _close(self) -> str:
        tag = self.open.pop()
        self._count[tag] -= 1
        self.parts.append(f"</{tag}>")
        return tag

    def _data(self, data: str) -> None:
        if data and not self._silent:
            self.parts.append(html.escape(html.unescape(data), quote=False))

    def _kept(self, tag: str, name: str, value: str) -> str:
        """What is kept of an attribute's value; empty for nothing."""
        if name in _ATTRIBUTES:
            return value
        if tag == "img" and name == "src":
            source = self._image(value)
            return source if _IMAGE.match(source) else ""
        if tag == "a" and name == "href":
            return value if _LINK.match(value) else ""
        if name == "style":
            return "; ".join(one.strip() for one in value.split(";") if _is_harmless(one))
        return ""


def _is_harmless(declaration: str) -> bool:
    name, _, value = declaration.partition(":")
    return bool(_STYLE.match(name.strip().lower()) and _STYLE_VALUE.match(value))
