"""The layout of a graph, and its drawing."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

from fairing_kfp.display.graph import Box, Drawing, Node, draw
from fairing_kfp.display.graph_svg import graph_svg

NODES = (
    Node("load"),
    Node("split", ("load",)),
    Node("train", ("split",)),
    Node("evaluate", ("train", "split")),
    Node("for-loop-2", ("split",), "for", "each of names", (Node("tune"), Node("score", ("tune",)))),
    Node("report", ("load", "evaluate", "for-loop-2", "unknown")),
    Node("alone"),
)


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def placed(drawing: Drawing) -> dict[str, Box]:
    return {box.node.name: box for box in drawing.boxes}


def test_tasks_are_below_those_they_depend_on() -> None:
    boxes = placed(draw(NODES))

    for node in NODES:
        for name in set(node.after) - {"unknown"}:
            assert boxes[name].y + boxes[name].height < boxes[node.name].y


def test_boxes_are_apart_and_within_the_drawing() -> None:
    wide = tuple(
        Node(f"task-{number}", tuple(f"task-{one}" for one in (number // 3, number // 2)[: number % 3]))
        for number in range(1, 40)
    )
    for drawing in (draw(NODES), draw(tuple(node for node in wide if node.name not in node.after))):
        assert not [(a.node.name, b.node.name) for a, b in itertools.combinations(drawing.boxes, 2) if overlap(a, b)]
        for box in drawing.boxes:
            assert 0 <= box.x <= box.x + box.width <= drawing.width + 0.01
            assert 0 <= box.y <= box.y + box.height <= drawing.height + 0.01


def test_an_edge_that_passes_layers_passes_beside_their_boxes() -> None:
    drawing = draw(NODES)
    long = max(drawing.edges, key=len)

    assert len(long) > 4
    for (x, y), (_, end) in zip(long[1:-1:2], long[2:-1:2], strict=True):
        passage = Box(NODES[0], x, y, 0.1, end - y)
        assert not [box.node.name for box in drawing.boxes if overlap(box, passage)]


def test_of_very_many_edges_those_that_follow_from_others_are_left_out() -> None:
    names = [f"task-{number}" for number in range(60)]
    drawing = draw([Node(name, tuple(names[:number])) for number, name in enumerate(names)])

    assert len(drawing.edges) == len(names) - 1


def test_tasks_of_a_loop_are_in_its_box() -> None:
    loop = placed(draw(NODES))["for-loop-2"]

    assert loop.inner is not None
    assert loop.inner.width < loop.width
    assert loop.inner.height < loop.height
    assert set(placed(loop.inner)) == {"tune", "score"}


def test_the_svg_is_well_formed_and_escaped() -> None:
    text = graph_svg((Node("a"), Node("b", ("a",), "if", "a < 0.5 & 'x'")))
    svg = ElementTree.fromstring(text)

    assert [one.text for one in svg.iter("{http://www.w3.org/2000/svg}title")] == ["a", "a < 0.5 & 'x'"]
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}path"))) == 1
    assert ElementTree.fromstring(graph_svg(())).tag.endswith("svg")


def test_a_graph_too_large_to_read_is_a_sentence() -> None:
    assert graph_svg([Node(str(number)) for number in range(500)]).count("500 tasks") == 1
