"""A run on Kubeflow Pipelines in a notebook."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from fairing_kfp.remote.run import Run


def test_it_links_its_page_and_sends_no_request() -> None:
    described = SimpleNamespace(run_id="1", display_name="<b>", state="SUCCEEDED")
    kfp: Any = SimpleNamespace(page="https://kf")

    assert '&lt;b&gt;</b> <a href="https://kf/#/runs/details/1"' in Run(kfp, described)._repr_html_()
    kfp.page = ""
    assert "&lt;b&gt;</b> succeeded</div>" in Run(kfp, described)._repr_html_()
