"""Pipelines with their compiled YAML beside this file."""

import os
import re
from pathlib import Path

from kfp import dsl

from tests.support.paths import TOP

_TOP = TOP

PIPELINES = {
    "control-flow": f"{_TOP}/tests/pipelines/control_flow.py:control_flow",
    "digits": f"{_TOP}/samples/digits/pipeline.py",
    "digits-by-kserve": f"{_TOP}/samples/digits/by_kserve.py",
    "digits-by-components": f"{_TOP}/samples/digits/by_components.py",
    "script": f"{_TOP}/samples/script/pipeline.py",
    "job": f"{_TOP}/samples/job/pipeline.py",
    "pytorchjob": f"{_TOP}/samples/distributed/pipeline.py:by_pytorchjob",
    "trainjob": f"{_TOP}/samples/distributed/pipeline.py:by_trainjob",
    "serving": f"{_TOP}/tests/pipelines/serving.py:sums",
    "serving-by-kserve": f"{_TOP}/tests/pipelines/serving.py:by_kserve",
    "notebook": f"{_TOP}/samples/notebook/pipeline.py",
    "notebook-as-code": f"{_TOP}/samples/notebook-as-code/pipeline.py",
    "tabular": f"{_TOP}/samples/tabular/pipeline.py",
    "text": f"{_TOP}/samples/text/pipeline.py",
    "timeseries": f"{_TOP}/samples/timeseries/pipeline.py",
    "images": f"{_TOP}/samples/images/pipeline.py",
    "repository-train": f"{_TOP}/samples/repository/pipelines/train.py",
    "repository-search": f"{_TOP}/samples/repository/pipelines/search.py",
}


def assert_golden(name: str, text: str, folder: Path = Path(__file__).parent) -> None:
    """Compares compiled YAML with the checked-in one; with `WRITE_GOLDEN` set it becomes the checked-in one."""
    path = folder / f"{name}.yaml"
    masked = _masked(text)
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(masked, encoding="utf-8")
    expected = path.read_text(encoding="utf-8")
    if not hasattr(dsl, "TaskConfig"):  # kfp before 2.15
        expected = re.sub(r"\n +optional: false(?=\n +secret)", "", expected)
    assert masked == expected


def _masked(text: str) -> str:
    """The YAML without what differs between machines and releases: registries, digests, kfp's version."""
    text = re.sub(r"[^\s\"']+@sha256:[0-9a-f]{64}", "REGISTRY/PROJECT@sha256:DIGEST", text)
    text = re.sub(r'"insecure":\[[^]]*\],', "", text)
    return re.sub(r"sdkVersion: kfp-[\d.]+", "sdkVersion: kfp", text)
