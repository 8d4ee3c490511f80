"""A stand-in of Kubeflow Pipelines, and time that passes at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairing_kfp.remote import run
from tests.support.kfp_stand_in import KfpStandIn, serve_kfp


@pytest.fixture
def kfp() -> Iterator[KfpStandIn]:
    with serve_kfp() as stand_in:
        yield stand_in


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_PAUSES", (0.0, 0.0))
    for name in ("TOKEN", "TOKEN_FILE", "COOKIES", "HOST", "NAMESPACE", "EXPERIMENT"):
        monkeypatch.delenv(f"FAIRING_KFP_{name}", raising=False)
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
