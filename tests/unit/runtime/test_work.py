"""Work as it travels to a node."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.runtime.work import Work

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=5
)


@given(
    st.dictionaries(st.text(), VALUES),
    st.integers(0, 99),
    st.lists(st.text(), min_size=1).map(tuple),
    st.none() | st.just("torch"),
    st.none() | st.integers(1, 9),
)
def test_it_is_read_as_it_was_written(
    given_input: dict[str, object], rank: int, peers: tuple[str, ...], framework: str | None, processes: int | None
) -> None:
    work = Work(given_input, rank, peers, framework, processes)
    assert Work.parse(work.text().encode()) == work
