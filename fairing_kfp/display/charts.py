"""Classification metrics as pictures (SVG), in the colour of the text around them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from fairing_kfp.display.html import Html, shortened

_COLOR = "#2f81d6"
_MOST_CATEGORIES = 30
_CELL_WIDTH, _CELL_HEIGHT, _CHARACTER, _LONGEST = 56, 28, 7, 20  # pixels, and characters of a label
_SIDE, _LEFT, _BELOW = 200, 46, 40
_TEXT = 'fill="currentColor" stroke="none"'


def confusion_matrix(metadata: Mapping[str, Any]) -> Html:
    """The confusion matrix of `dsl.ClassificationMetrics`; nothing if it has none, or more than 30 categories.

    Args:
        metadata: the metadata of the artifact.
    """
    matrix = metadata.get("confusionMatrix") or {}
    names = [str(one.get("displayName", "")) for one in matrix.get("annotationSpecs", ())]
    rows = [[_number(value) for value in one.get("row", ())] for one in matrix.get("rows", ())]
    if (
        not rows
        or len(names) > _MOST_CATEGORIES
        or any(len(row) != len(names) for row in rows)
        or len(rows) != len(names)
    ):
        return Html()
    shown = [shortened(name, _LONGEST) for name in names]
    left, top = max(map(len, shown)) * _CHARACTER + 24, 40
    parts = [
        f'<text x="{left}" y="14" {_TEXT} fill-opacity=".7">predicted →</text>',
        f'<text x="0" y="{top - 8}" {_TEXT} fill-opacity=".7">true ↓</text>',
    ]
    for number, name in enumerate(shown):
        x, y = left + number * _CELL_WIDTH, top + number * _CELL_HEIGHT
        full = f"<title>{escape(names[number])}</title>"
        column = escape(shortened(name, _CELL_WIDTH // _CHARACTER))
        parts += [
            f'<text x="{x + _CELL_WIDTH / 2}" y="{top - 8}" {_TEXT} text-anchor="middle">{column}{full}</text>',
            f'<text x="{left - 8}" y="{y + 18}" {_TEXT} text-anchor="end">{escape(name)}{full}</text>',
        ]
        total = sum(rows[number]) or 1.0
        for place, value in enumerate(rows[number]):
            x = left + place * _CELL_WIDTH
            parts += [
                f'<rect x="{x}" y="{y}" width="{_CELL_WIDTH}" height="{_CELL_HEIGHT}" fill="{_COLOR}" '
                f'fill-opacity="{0.75 * value / total:.2f}" stroke-opacity=".3"/>',
                f'<text x="{x + _CELL_WIDTH / 2}" y="{y + 18}" {_TEXT} text-anchor="middle">{value:g}</text>',
            ]
    return _svg(left + len(names) * _CELL_WIDTH + 1, top + len(names) * _CELL_HEIGHT + 1, "confusion matrix", parts)


def roc_curve(metadata: Mapping[str, Any]) -> Html:
    """The ROC curve of `dsl.ClassificationMetrics`, with the area below it; nothing if it has none.

    Args:
        metadata: the metadata of the artifact.
    """
    listed = metadata.get("confidenceMetrics") or ()
    points = sorted((_number(one.get("falsePositiveRate")), _number(one.get("recall"))) for one in listed)
    if len(points) < 2:
        return Html()
    right = _LEFT + _SIDE
    line = " ".join(f"{_LEFT + x * _SIDE:.1f},{10 + (1 - y) * _SIDE:.1f}" for x, y in points)
    parts = [
        f'<rect x="{_LEFT}" y="10" width="{_SIDE}" height="{_SIDE}" stroke-opacity=".4"/>',
        f'<path d="M{_LEFT},{10 + _SIDE}L{right},10" stroke-dasharray="3 3" stroke-opacity=".4"/>',
        f'<polyline points="{line}" stroke="{_COLOR}" stroke-width="2"/>',
        f'<text x="{_LEFT + _SIDE / 2}" y="{_SIDE + 42}" {_TEXT} text-anchor="middle">false positive rate</text>',
        f'<text transform="translate(14,{10 + _SIDE / 2}) rotate(-90)" {_TEXT} text-anchor="middle">recall</text>',
        f'<text x="{right - 8}" y="{_SIDE}" {_TEXT} text-anchor="end">area {_area(points):.3f}</text>',
        *(f'<text x="{_LEFT + at * _SIDE}" y="{_SIDE + 26}" {_TEXT} text-anchor="middle">{at}</text>' for at in (0, 1)),
        *(f'<text x="{_LEFT - 6}" y="{14 + (1 - at) * _SIDE}" {_TEXT} text-anchor="end">{at}</text>' for at in (0, 1)),
    ]
    return _svg(right + 12, 10 + _SIDE + _BELOW, "ROC curve", parts)


def _area(points: Sequence[tuple[float, float]]) -> float:
    return sum((x - left) * (y + before) / 2 for (left, before), (x, y) in itertools.pairwise(points))


def _number(value: Any) -> float:
    """A number of metadata, which is whatever a step wrote."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _svg(width: float, height: float, label: str, parts: Sequence[str]) -> Html:
    return Html(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{label}" font-family="system-ui,sans-serif" font-size="12" fill="none" '
        f'stroke="currentColor">{"".join(parts)}</svg>'
    )
