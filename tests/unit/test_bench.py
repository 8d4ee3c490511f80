"""The benchmarks' own arithmetic and tables; what they measure is measured by `make bench`."""

from importlib import import_module
from pathlib import Path

import pytest

from bench.__main__ import MODULES, _busy_seconds, _environment, busy_cores, is_quiet
from bench.measure import Cost, Runs, Table, take_turns
from bench.summary import summary
from bench.table import README, as_markdown, write


def test_all_benchmarks_can_be_imported() -> None:
    for module in MODULES.values():
        assert callable(import_module(f"bench.{module}").measure)


def runs(*pairs: tuple[float, float]) -> Runs:
    return Runs(tuple({"ours": {"run": Cost(ours)}, "peer": {"run": Cost(peer)}} for ours, peer in pairs))


def test_ratio_is_the_median_of_pairs_and_not_the_ratio_of_medians() -> None:
    row = runs((1, 10), (2, 2), (4, 12)).row("it", "ours", "peer", "run")

    assert row.ratios == (3, 1, 10)
    assert (row.ours.seconds, row.peer.seconds) == (2, 10)


def test_contenders_take_turns_and_the_first_round_does_not_count() -> None:
    spec: list[str] = []

    def contender(name: str) -> dict[str, Cost]:
        spec.append(name)
        return {"run": Cost(len(spec))}

    done = take_turns(2, {"a": lambda: contender("a"), "b": lambda: contender("b")})

    assert spec == ["a", "b"] * 3
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


_README = """
<!-- summary -->
<!-- /summary -->
<!-- push -->
|       | ours | `docker` | ratio                | requests |
| ----- | ---- | -------- | -------------------- | -------- |
| first | 1 s  | 4 s      | **4.0** (3.0 to 5.0) | 1 : 2    |

|       | ours | `crane` | ratio                |
| ----- | ---- | ------- | -------------------- |
| first | 1 s  | 2 s     | **2.0** (1.0 to 3.0) |

|       | ours | the limit | ratio                |
| ----- | ---- | --------- | -------------------- |
| first | 1 s  | 1 s       | **1.0** (1.0 to 1.0) |

Prose.
<!-- /push -->
<!-- secrets -->
|       | ours | other |
| ----- | ---- | ----- |
| found | 1    | 2     |
<!-- /secrets -->
"""


def test_summary_has_the_best_peer_of_each_row(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"{_README}<!-- far -->\n<!-- /far -->\n")
    write("far", as_markdown(Table("call", "`crane`", (runs((1, 3)).row("again", "ours", "peer", "run"),))), readme)

    assert summary(readme.read_text()).splitlines()[2:] == [
        "| push: first | ours: 1 s | `crane`: 2 s | **2.0** (1.0 to 3.0) |",
        "| far: again | call: 1 s | `crane`: 3 s | **3.0** (3.0 to 3.0) |",
    ]
    assert readme.read_text().count("| far: again |") == 1


def test_summary_of_the_readme_is_that_of_its_tables() -> None:
    text = README.read_text()

    assert f"<!-- summary -->\n{summary(text)}\n<!-- /summary -->" in text


@pytest.mark.parametrize(("busy", "quiet"), [(0.2, True), (1.0, True), (1.1, False), (9.0, False)])
def test_a_noisy_machine_is_noticed(busy: float, quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)

    assert is_quiet(busy) is quiet
    assert ("not quiet" in _environment(busy)) is not quiet


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="the kernel of Linux counts busy cores there")
def test_busy_cores_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = iter([100.0, 103.0])
    monkeypatch.setattr("bench.__main__._busy_seconds", lambda: next(counted))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    assert busy_cores() == 1.5
    monkeypatch.undo()
    assert _busy_seconds() > 0
