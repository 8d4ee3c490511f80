from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.cluster.strategic_merge import merge

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
def test_arguments_are_not_changed(base: dict[str, Any], patch: dict[str, Any]) -> None:
    before = copy.deepcopy((base, patch))
    merge(base, patch)
    assert before == (base, patch)


@given(specs)
def test_empty_base_or_patch_changes_nothing(spec: dict[str, Any]) -> None:
    assert merge(spec, {}) == merge({}, spec) == merge(spec, spec) == spec


@given(specs, specs)
def test_merge_is_idempotent(base: dict[str, Any], patch: dict[str, Any]) -> None:
    once = merge(base, patch)
    assert merge(once, patch) == once


@given(specs, specs, specs)
def test_merge_is_associative(lowest: dict[str, Any], middle: dict[str, Any], highest: dict[str, Any]) -> None:
    assert merge(merge(lowest, middle), highest) == merge(lowest, merge(middle, highest))


@pytest.mark.parametrize(
    ("field", "base", "patch", "expected"),
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
def test_lists_are_merged_by_key(field: str, base: Any, patch: Any, expected: Any) -> None:
    assert merge({field: base}, {field: patch}) == {field: expected}
