"""The benchmarks' own arithmetic and tables; what they measure is measured by `make bench`."""

from pathlib import Path

import pytest

from bench.measure import Cost, Runs, Table, take_turns
from bench.table import README, as_markdown, write


def runs(*pairs: tuple[float, float]) -> Runs:
    return Runs(tuple({"ours": {"run": Cost(ours)}, "peer": {"run": Cost(peer)}} for ours, peer in pairs))


def test_ratio_is_the_median_of_pairs_and_not_the_ratio_of_medians() -> None:
    row = runs((1, 10), (2, 2), (4, 12)).row("it", "ours", "peer", "run")

    assert row.ratios == (3, 1, 10)
    assert (row.ours.seconds, row.peer.seconds) == (2, 10)


def test_contenders_take_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []

    def contender(name: str) -> dict[str, Cost]:
        order.append(name)
        return {"run": Cost(len(order))}

    done = take_turns(2, {"a": lambda: contender("a"), "b": lambda: contender("b")})

    assert order == ["a", "b"] * 3
    assert [round_["a"]["run"].seconds for round_ in done.rounds] == [3, 5]


def test_table_shows_requests_where_they_were_counted() -> None:
    plain = runs((0.0005, 2)).row("it", "ours", "peer", "run")
    counted = Runs(({"ours": {"run": Cost(1, 3, 0)}, "peer": {"run": Cost(1, 7, 1234)}},))

    assert as_markdown(Table("we", "they", (plain,))).endswith("| it | 500 µs | 2 s  | **4000** (4000 to 4000) |")
    assert "| 3 : 7    | 0 : 1.2 kB |" in as_markdown(Table("we", "they", (counted.row("it", "ours", "peer", "run"),)))


def test_results_take_the_place_of_the_former(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(README.read_text())

    write("push", "first", readme)
    write("push", "second", readme)

    assert "<!-- push -->\nsecond\n<!-- /push -->" in readme.read_text()
    with pytest.raises(ValueError, match="0 places"):
        write("absent", "", readme)
