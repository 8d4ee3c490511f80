"""A layered layout of a graph of tasks, from top to bottom.

A task is placed below all that it depends on. Tasks of a layer are ordered by the middle of their neighbours, so that
few edges cross; an edge that passes layers runs through a free place in each. A task with a graph of its own, such as
a loop, is a box around it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from graphlib import TopologicalSorter

from fairing_kfp.display.html import shortened
from fairing_kfp.frozen import dataclass

_CHARACTER = 7.2  # widths and heights are in pixels
_HEIGHT, _GAP, _LAYER_GAP, _PASSAGE = 30.0, 18.0, 30.0, 4.0
PADDING, CAPTION = 14.0, 20.0  # between a box and the graph in it, and above that
_SWEEPS = 4
_LONGEST_NAME = 40
_MOST_PASSAGES = 1000  # layers that edges cross; beyond, edges that follow from others are left out


@dataclass(frozen=True)
class Node:
    """A task of a graph.

    Attributes:
        name: its name, which no other task of the same graph has.
        after: names of the tasks that it depends on.
        kind: what it is besides a task, such as `for`; shown before its label.
        label: what is shown instead of the name.
        inner: the graph in it.
    """

    name: str
    after: tuple[str, ...] = ()
    kind: str = ""
    label: str = ""
    inner: tuple[Node, ...] = ()

    @property
    def text(self) -> str:
        """What a box shows: its label or name, shortened."""
        return shortened(self.label or self.name, _LONGEST_NAME)


@dataclass(frozen=True)
class Box:
    """A placed task, in pixels from the top left corner of the drawing.

    Attributes:
        node: the task.
        x, y, width, height: its place and size.
        inner: the drawing in it, relative to its own corner.
    """

    node: Node
    x: float
    y: float
    width: float
    height: float
    inner: Drawing | None = None


@dataclass(frozen=True)
class Drawing:
    """A laid out graph.

    Attributes:
        boxes: its tasks.
        edges: the points of each edge, from the bottom of a task to the top of another.
        width, height: its size, in pixels.
    """

    boxes: tuple[Box, ...]
    edges: tuple[tuple[tuple[float, float], ...], ...]
    width: float
    height: float


@dataclass
class _Place:
    """A task, or a passage of an edge, within a layer."""

    width: float
    height: float
    node: Node | None = None
    inner: Drawing | None = None
    above: list[_Place] = field(default_factory=list)
    below: list[_Place] = field(default_factory=list)
    x: float = 0.0  # of its middle
    y: float = 0.0


def draw(nodes: Sequence[Node]) -> Drawing:
    """Lays out a graph.

    Args:
        nodes: the tasks; names in `after` that are not among them are ignored.

    Raises:
        graphlib.CycleError: the tasks depend on each other in a circle.
    """
    places = {node.name: _place(node) for node in nodes}
    layers, chains = _layers(nodes, places)
    for sweep in range(_SWEEPS):
        _order(layers if sweep % 2 == 0 else layers[::-1], upwards=sweep % 2 == 0)
    _set_columns(layers)
    height = _set_rows(layers)
    left = min((one.x - one.width / 2 for layer in layers for one in layer), default=0.0)
    right = max((one.x + one.width / 2 for layer in layers for one in layer), default=0.0)
    boxes = tuple(_box(places[node.name], left) for node in nodes)
    edges = tuple(_points(chain, left) for chain in chains)
    return Drawing(boxes, edges, right - left, height)


def _place(node: Node) -> _Place:
    width = (len(node.text) + len(node.kind)) * _CHARACTER + 24
    if not node.inner:
        return _Place(width, _HEIGHT, node)
    inner = draw(node.inner)
    return _Place(max(width, inner.width + 2 * PADDING), inner.height + CAPTION + 2 * PADDING, node, inner)


def _layers(nodes: Sequence[Node], places: Mapping[str, _Place]) -> tuple[list[list[_Place]], list[list[_Place]]]:
    """The layers, and for each edge the places that it passes."""
    after = {node.name: [name for name in node.after if name in places] for node in nodes}
    order = list(TopologicalSorter(after).static_order())
    depth: dict[str, int] = {}
    for name in order:
        depth[name] = 1 + max((depth[one] for one in after[name]), default=-1)
    if sum(depth[name] - depth[one] for name in order for one in after[name]) > _MOST_PASSAGES:
        after = _reduced(order, after)
    layers: list[list[_Place]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for node in nodes:
        layers[depth[node.name]].append(places[node.name])
    chains = []
    for node in nodes:
        for name in after[node.name]:
            passages = [_Place(_PASSAGE, 0.0) for _ in range(depth[name] + 1, depth[node.name])]
            for number, passage in enumerate(passages, depth[name] + 1):
                layers[number].append(passage)
            chain = [places[name], *passages, places[node.name]]
            for upper, lower in itertools.pairwise(chain):
                upper.below.append(lower)
                lower.above.append(upper)
            chains.append(chain)
    return layers, chains


def _reduced(order: Sequence[str], after: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The dependencies without those that follow from others.

    Args:
        order: the tasks, each after those that it depends on.
        after: what each depends on.
    """
    before: dict[str, set[str]] = {}
    for name in order:
        before[name] = {*after[name], *(far for one in after[name] for far in before[one])}
    return {name: [one for one in after[name] if not any(one in before[far] for far in after[name])] for name in order}


def _order(layers: Iterable[list[_Place]], *, upwards: bool) -> None:
    """Orders each layer by the mean position of the neighbours in the layer before."""
    before: dict[int, int] = {}
    for layer in layers:
        keys = {}
        for number, one in enumerate(layer):
            known = [before[id(other)] for other in (one.above if upwards else one.below) if id(other) in before]
            keys[id(one)] = sum(known) / len(known) if known else float(number)
        layer.sort(key=lambda one, keys=keys: keys[id(one)])  # type: ignore[misc]
        before = {id(one): number for number, one in enumerate(layer)}


def _set_columns(layers: Sequence[list[_Place]]) -> None:
    """Sets the middles: each below and above its neighbours as far as the order leaves room."""
    for layer in layers:
        total = sum(one.width for one in layer) + _GAP * (len(layer) - 1)
        x = -total / 2
        for one in layer:
            one.x = x + one.width / 2
            x += one.width + _GAP
    for sweep in range(2 * _SWEEPS):
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            wanted = []
            for one in layer:
                near = one.above if sweep % 2 == 0 else one.below
                wanted.append(sum(other.x for other in near) / len(near) if near else one.x)
            rooms = [(one.width + other.width) / 2 + _GAP for one, other in itertools.pairwise(layer)]
            to_right, to_left = list(wanted), list(wanted)  # where they stand if those that overlap move that way only
            for number, room in enumerate(rooms, 1):
                to_right[number] = max(to_right[number], to_right[number - 1] + room)
            for number, room in reversed(list(enumerate(rooms))):
                to_left[number] = min(to_left[number], to_left[number + 1] - room)
            for one, right, left in zip(layer, to_right, to_left, strict=True):
                one.x = (right + left) / 2


def _set_rows(layers: Iterable[list[_Place]]) -> float:
    """Sets the upper edges; gives the height of all."""
    y = -_LAYER_GAP
    for layer in layers:
        y += _LAYER_GAP
        tallest = max(one.height for one in layer)
        for one in layer:
            one.y = y
            if one.node is None:
                one.height = tallest
        y += tallest
    return max(y, 0.0)


def _box(place: _Place, left: float) -> Box:
    if place.node is None:
        raise AssertionError("a passage is not drawn")
    return Box(place.node, place.x - place.width / 2 - left, place.y, place.width, place.height, place.inner)


def _points(chain: Sequence[_Place], left: float) -> tuple[tuple[float, float], ...]:
    first, *passages, last = chain
    points = [(first.x - left, first.y + first.height)]
    for one in passages:
        points += [(one.x - left, one.y), (one.x - left, one.y + one.height)]
    return (*points, (last.x - left, last.y))
