"""The runs on an installation of Kubeflow Pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import KfpError
from fairing_kfp.remote.experiment import find_experiment
from fairing_kfp.remote.run import Run

if TYPE_CHECKING:
    from fairing_kfp.remote.connect import Kfp

_PAGE = 100


def list_runs(kfp: Kfp, *, experiment: str | None = None, limit: int = 20) -> list[Run]:
    """The latest runs, the newest first.

    Args:
        kfp: connection with Kubeflow Pipelines.
        experiment: name of their experiment; any by default.
        limit: how many.

    Raises:
        KfpError: there is no such experiment, or the runs may not be listed.
    """
    query: dict[str, Any] = {"namespace": kfp.namespace}
    if experiment:
        found = find_experiment(kfp, experiment)
        if found is None:
            raise KfpError(f"there is no experiment {experiment!r}", "check --experiment and --namespace", status=404)
        query = {"experiment_id": found}
    runs: list[Any] = []
    token: str | None = ""
    while token is not None and len(runs) < limit:
        answer = kfp.call(
            "list the runs",
            kfp.client.runs.run_service_list_runs,
            sort_by="created_at desc",
            page_size=min(limit - len(runs), _PAGE),
            page_token=token or None,
            **query,
        )
        runs += answer.runs or []
        token = answer.next_page_token or None
    return [Run(kfp, run) for run in runs]
