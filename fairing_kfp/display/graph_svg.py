"""A graph of tasks as SVG, in the colour of the text around it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fairing_kfp.display.graph import CAPTION, PADDING, Box, Drawing, Node, draw
from fairing_kfp.display.html import Html

_MARGIN = 6.0
_MOST_TASKS = 200
_TEXT = 'fill="currentColor" stroke="none"'


def graph_svg(nodes: Sequence[Node]) -> Html:
    """The graph as SVG; a sentence if it has too many tasks to be read.

    Args:
        nodes: the tasks, see `fairing_kfp.display.graph.draw`.
    """
    count = _count(nodes)
    if count > _MOST_TASKS:
        return Html(f'<div class="muted">{count} tasks; graphs of up to {_MOST_TASKS} tasks are drawn</div>')
    drawing = draw(nodes)
    width, height = drawing.width + 2 * _MARGIN, drawing.height + 2 * _MARGIN
    return Html(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="the graph of the pipeline" '
        'font-family="system-ui,sans-serif" font-size="12" fill="none" stroke="currentColor">'
        f"{_drawn(drawing, _MARGIN, _MARGIN)}</svg>"
    )


def _count(nodes: Sequence[Node]) -> int:
    return len(nodes) + sum(_count(node.inner) for node in nodes)


def _drawn(drawing: Drawing, x: float, y: float) -> str:
    edges = "".join(_edge(points) for points in drawing.edges)
    return f'<g transform="translate({x:.1f},{y:.1f})">{edges}{"".join(map(_box, drawing.boxes))}</g>'


def _box(box: Box) -> str:
    node, middle = box.node, box.x + box.width / 2
    kind = f'<tspan fill-opacity=".65">{escape(node.kind)} </tspan>' if node.kind else ""
    label = f"{kind}{escape(node.text)}<title>{escape(node.label or node.name)}</title>"
    dashes = ' stroke-dasharray="4 3"' if box.inner else ""
    rectangle = (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="6" '
        f'fill="currentColor" fill-opacity=".05" stroke-opacity=".5"{dashes}/>'
    )
    if box.inner is None:
        baseline = box.y + box.height / 2 + 4
        return f'{rectangle}<text x="{middle:.1f}" y="{baseline:.1f}" {_TEXT} text-anchor="middle">{label}</text>'
    inner = _drawn(box.inner, middle - box.inner.width / 2, box.y + CAPTION + PADDING)
    return f'{rectangle}<text x="{box.x + 10:.1f}" y="{box.y + 17:.1f}" {_TEXT}>{label}</text>{inner}'


def _edge(points: Sequence[tuple[float, float]]) -> str:
    """A curve through the points, with an arrow at its end."""
    (x, y), parts = points[0], []
    for number, (to_x, to_y) in enumerate(points[1:]):
        middle = (y + to_y) / 2
        bend = number % 2 == 0  # between layers; through a layer it is straight
        parts.append(f"C{x:.1f},{middle:.1f} {to_x:.1f},{middle:.1f} {to_x:.1f},{to_y:.1f}" if bend else f"V{to_y:.1f}")
        x, y = to_x, to_y
    (start_x, start_y), arrow = points[0], f"M{x - 4:.1f},{y - 6:.1f}L{x:.1f},{y:.1f}L{x + 4:.1f},{y - 6:.1f}"
    return f'<path d="M{start_x:.1f},{start_y:.1f}{"".join(parts)}{arrow}" stroke-opacity=".6"/>'
