"""Reports of serve steps."""

from __future__ import annotations

import re

from fairing_kfp.serving.report import report
from fairing_kfp.serving.result import ServeResult
from fairing_kfp.serving.sample import Exchange
from fairing_kfp.serving.spec import ServingSpec


def test_reports_are_self_contained_and_escaped() -> None:
    spec = ServingSpec("digits", image="i", sample=["<b>"])
    exchange = Exchange("http://digits.n.svc/x", '["<b>", "it\'s"]', '{"predictions": ["<script>"]}', 0.01)
    page = report(
        ServeResult(
            spec,
            "n",
            "http://digits.n.svc",
            "r/p@sha256:1",
            previous="r/p@sha256:0",
            exchange=exchange,
            model="u",
        )
    )

    assert "<script" not in page
    assert "<b>" not in page
    assert not re.search(r"\b(?:src|href)=", page)
    assert "fairing-kfp rollback digits r/p@sha256:0 --namespace n" in page
    assert len(report(ServeResult(spec, "n", "e", "i", exchange=Exchange("u", "r", "x" * 10**6, 1)))) < 20_000


def test_a_local_run_has_no_object() -> None:
    page = report(ServeResult(ServingSpec("digits"), "", "http://127.0.0.1:1", "i"))

    assert "<h1>digits is served by a local run, until it ends</h1>" in page
    assert "a process on the machine of the run, which ends with it" in page
    assert "namespace" not in page
