"""Outputs of serve steps."""

from __future__ import annotations

import json
from pathlib import Path

from fairing_kfp.serving.outputs import write_outputs
from fairing_kfp.serving.result import ServeResult
from fairing_kfp.serving.spec import ServingSpec


def test_outputs_are_where_kfp_looks_for_them(tmp_path: Path) -> None:
    page = str(tmp_path / "report" / "page.html")
    outputs = {
        "outputFile": str(tmp_path / "out.json"),
        "parameters": {"endpoint": {"outputFile": str(tmp_path / "deep" / "endpoint")}},
        "artifacts": {"report": {"artifacts": [{"name": "r", "uri": page}]}},
    }
    write_outputs(ServeResult(ServingSpec("digits"), "n", "http://digits.n.svc", "i"), outputs)

    assert (tmp_path / "deep" / "endpoint").read_text() == "http://digits.n.svc"
    assert "digits" in Path(page).read_text()
    assert json.loads((tmp_path / "out.json").read_text()) == {
        "parameterValues": {"endpoint": "http://digits.n.svc", "image": "i"},
        "artifacts": {"report": {"artifacts": [{"name": "r", "uri": page, "metadata": {}}]}},
    }


def test_no_outputs_are_written_without_paths() -> None:
    write_outputs(ServeResult(ServingSpec("digits"), "n", "e", "i"), {})
