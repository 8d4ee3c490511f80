from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.cluster.merging import merged

names = st.sampled_from("abcd")
variables = st.fixed_dictionaries({"name": names}, optional={"value": names, "valueFrom": st.just({"fieldRef": {}})})
mounts = st.fixed_dictionaries({"mountPath": names, "name": names})


def unique(items: st.SearchStrategy[Any], key: str) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, max_size=4, unique_by=lambda item: item[key])


containers = st.fixed_dictionaries(
    {"name": names},
    optional={
        "image": names,
        "command": st.lists(names, max_size=2),
        "env": unique(variables, "name"),
        "volumeMounts": unique(mounts, "mountPath"),
        "resources": st.dictionaries(names, st.dictionaries(names, names, max_size=2), max_size=2),
    },
)
specs = st.fixed_dictionaries(
    {},
    optional={
        "containers": unique(containers, "name"),
        "nodeSelector": st.dictionaries(names, names, max_size=2),
        "tolerations": st.lists(st.fixed_dictionaries({"key": names}), max_size=3, unique_by=str),
        "volumes": unique(st.fixed_dictionaries({"name": names}, optional={"emptyDir": st.just({})}), "name"),
        "serviceAccountName": names,
    },
)


@given(specs, specs)
def test_changes_nothing_that_it_is_given(below: dict[str, Any], above: dict[str, Any]) -> None:
    before = copy.deepcopy((below, above))
    merged(below, above)
    assert before == (below, above)


@given(specs)
def test_nothing_upon_or_below_changes_nothing(spec: dict[str, Any]) -> None:
    assert merged(spec, {}) == merged({}, spec) == merged(spec, spec) == spec


@given(specs, specs)
def test_again_is_harmless(below: dict[str, Any], above: dict[str, Any]) -> None:
    once = merged(below, above)
    assert merged(once, above) == once


@given(specs, specs, specs)
def test_it_matters_not_which_two_are_merged_first(
    lowest: dict[str, Any], middle: dict[str, Any], highest: dict[str, Any]
) -> None:
    assert merged(merged(lowest, middle), highest) == merged(lowest, merged(middle, highest))


@pytest.mark.parametrize(
    ("of", "below", "above", "expected"),
    [
        ("command", ["a"], ["b"], ["b"]),
        ("env", [{"name": "A", "value": "1"}], [{"name": "A", "valueFrom": {}}], [{"name": "A", "valueFrom": {}}]),
        ("volumes", [{"name": "v", "emptyDir": {}}], [{"name": "v", "nfs": {}}], [{"name": "v", "nfs": {}}]),
        ("tolerations", [{"key": "a"}], [{"key": "b"}, {"key": "a"}], [{"key": "a"}, {"key": "b"}]),
        ("volumeMounts", [{"mountPath": "/a", "name": "v"}], [{"mountPath": "/a", "readOnly": True}],
         [{"mountPath": "/a", "name": "v", "readOnly": True}]),
        ("volumeMounts", [{"mountPath": "/a", "name": "v"}], [{"mountPath": "/b", "name": "v"}],
         [{"mountPath": "/a", "name": "v"}, {"mountPath": "/b", "name": "v"}]),
    ],
)  # fmt: skip
def test_lists_are_joined_by_what_their_items_are_known_by(of: str, below: Any, above: Any, expected: Any) -> None:
    assert merged({of: below}, {of: above}) == {of: expected}
