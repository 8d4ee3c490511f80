"""What steps give out, checked before it is written."""

import datetime
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from fairing_kfp.runtime.results import PassingError, check_outputs


class Two(NamedTuple):
    count: int
    names: list


def written(returned: Any, annotation: Any, metadata: dict[str, Any] | None = None) -> Any:
    """What KFP's executor gets to write."""
    seen: list[Any] = []
    artifact = SimpleNamespace(metadata=metadata or {})
    executor = SimpleNamespace(
        write_executor_output=seen.append, return_annotation=annotation, output_artifacts={"scores": artifact}
    )
    check_outputs(executor)
    executor.write_executor_output(returned)
    return seen[0] if metadata is None else artifact.metadata


@pytest.mark.parametrize(
    ("returned", "annotation", "plain"),
    [
        (np.int64(3), int, 3),
        (np.float32(0.5), float, 0.5),
        (np.bool_(True), bool, True),
        (3, float, 3),
        ((1, np.int8(2)), list, [1, 2]),
        ({"a": [np.float64(1.5), None]}, dict[str, list], {"a": [1.5, None]}),
        (Two(np.int64(1), ("a",)), Two, (1, ["a"])),
        ((1, ["a"]), Two, (1, ["a"])),
        ({"at": datetime.date(2026, 1, 2)}, dict, {"at": "2026-01-02"}),
        ({"at": pd.Timestamp("2026-01-02 03:00")}, dict, {"at": "2026-01-02T03:00:00"}),
        ({"at": np.datetime64("2026-01-02T03:00:00.000000000")}, dict, {"at": "2026-01-02T03:00:00"}),
        (None, None, None),
        ("text", None, "text"),
    ],
)
def test_scalars_and_tuples_are_those_of_json(returned: Any, annotation: Any, plain: Any) -> None:
    assert repr(written(returned, annotation)) == repr(plain)


@pytest.mark.parametrize(
    ("returned", "annotation", "says"),
    [
        (None, int, "the output Output is None, but its type is int: return a value in every case"),
        (None, Two, "but its outputs are count, names"),
        (Two(1, None), Two, "the output names is None, but its type is list"),  # type: ignore[arg-type]
        (float("nan"), float, "the output Output is nan, which KFP cannot pass"),
        ({"a": [1, float("inf")]}, dict, r"the output Output\['a'\]\[1\] is inf"),
        (np.float64("nan"), float, "Output is nan"),
        (
            np.zeros(3),
            list,
            r"is a numpy\.ndarray, but its type is list: .*dsl\.Output\[dsl\.Dataset\]",
        ),
        ("3", int, r"is a builtins\.str, but its type is int"),
        ({"at": [{1}]}, dict, r"Output\['at'\]\[0\] is a builtins\.set, which JSON does not have"),
        ({"at": pd.NaT}, dict, r"Output\['at'\] is a pandas\S*NaTType, which JSON does not have"),
    ],
)
def test_what_kfp_cannot_pass(returned: Any, annotation: Any, says: str) -> None:
    with pytest.raises(PassingError, match=says):
        written(returned, annotation)


def test_metadata_of_artifacts() -> None:
    given = {"loss": np.float64(0.25), "n": np.int64(1), "ok": np.bool_(True), "at": pd.Timestamp("2026-01-02")}
    plain = {"loss": 0.25, "n": 1, "ok": True, "at": "2026-01-02T00:00:00"}
    assert repr(written(None, None, given)) == repr(plain)
    with pytest.raises(PassingError, match=r"the metadata of the artifact scores\['loss'\] is nan"):
        written(None, None, {"loss": float("nan")})
