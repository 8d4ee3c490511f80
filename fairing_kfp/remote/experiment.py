"""Experiments, in which Kubeflow Pipelines groups runs."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from fairing_kfp.errors import KfpError

if TYPE_CHECKING:
    from fairing_kfp.remote.connect import Kfp
    from fairing_kfp.settings import Settings


def equals(key: str, value: str) -> str:
    """A filter of the API's lists.

    Source: https://github.com/kubeflow/pipelines/blob/master/backend/api/v2beta1/filter.proto
    """
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": key, "string_value": value}]})


def experiment_name(settings: Settings) -> str:
    """The experiment of runs: that of the settings, or as the kfp SDK names it."""
    override = os.environ.get("KF_PIPELINES_OVERRIDE_EXPERIMENT_NAME")
    return settings.experiment or override or os.environ.get("KF_PIPELINES_DEFAULT_EXPERIMENT_NAME") or "Default"


def find_experiment(kfp: Kfp, name: str) -> str | None:
    """The id of an experiment; None if there is none of that name. Changes nothing.

    Raises:
        KfpError: the experiment is archived, or the namespace may not be read.
    """
    listed = kfp.call(
        f"list the experiments for {name}",
        kfp.client.experiments.experiment_service_list_experiments,
        namespace=kfp.namespace,
        filter=equals("display_name", name),
    )
    found = listed.experiments or []
    if not found:
        return None
    if found[0].storage_state == "ARCHIVED":
        raise KfpError(f"the experiment {name} is archived", "restore it on its page, or choose another --experiment")
    return str(found[0].experiment_id)


def ensure_experiment(kfp: Kfp, name: str, found: str | None) -> str:
    """The id of an experiment, which is created if it does not exist.

    Args:
        kfp: connection with Kubeflow Pipelines.
        name: its name.
        found: its id, as found before.

    Raises:
        KfpError: it cannot be created.
    """
    import kfp_server_api

    if found:
        return found
    created = kfp.call(
        f"create the experiment {name}",
        kfp.client.experiments.experiment_service_create_experiment,
        kfp_server_api.V2beta1Experiment(display_name=name, namespace=kfp.namespace),
    )
    return str(created.experiment_id)
