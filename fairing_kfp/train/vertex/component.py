"""`vertexjob`: a component that runs as a custom job of Vertex AI.

@dsl.pipeline
def digits(depth: int = 8):
    elsewhere = vertexjob(train, project="my-project", region="europe-west4", staging="gs://my-bucket/staging")
    trained = elsewhere(depth=depth)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.own_step import VERTEX, VERTEX_IMAGE


def vertexjob(
    component: Any,
    *,
    project: str,
    region: str,
    staging: str,
    machine: str = "n1-standard-4",
    accelerator: str | None = None,
    accelerators: int = 1,
    nodes: int = 1,
    service_account: str | None = None,
    network: str | None = None,
    labels: Mapping[str, str] | None = None,
    deadline: int | None = None,
    spot: bool = False,
    endpoint: str | None = None,
) -> Any:
    """A component that runs as a custom job of Vertex AI.

    Args:
        component: what `@fairing_component`, `from_script` or `from_notebook` made. Vertex AI has to be able to pull
            its image: from Artifact Registry, or a public one from Docker Hub.
        project: the id of the Google Cloud project.
        region: such as `europe-west4`.
        staging: `gs://bucket/folder`, through which inputs and outputs travel; emptied when the job has ended.
        machine: the machine type.
        accelerator: the accelerator type, such as `NVIDIA_TESLA_T4`; none by default.
        accelerators: how many of them each machine has.
        nodes: how many machines work together; outputs are those of the first. They find each other by Vertex AI's own
            variables, `CLUSTER_SPEC` and `TF_CONFIG`.
        service_account: as whom the code runs; by default as Vertex AI's own service agent.
        network: a network to peer the machines with: `projects/NUMBER/global/networks/NAME`.
        labels: of the job.
        deadline: seconds after which the job is ended; 7 days by default, as Vertex AI has it.
        spot: takes machines that are cheaper, and may be taken away.
        endpoint: where the API is, if not at the region's public host: with Private Service Connect.

    Returns:
        A KFP component with the same inputs and outputs.

    Raises:
        ComponentError: it is no component of fairing-kfp, or needs a Secret of Kubernetes.
        ConfigError: an option is malformed.
    """
    from kfp import dsl

    from fairing_kfp.source import placeholders
    from fairing_kfp.train.component import checked_image, told
    from fairing_kfp.train.vertex.order import VertexOrder

    image = checked_image(component, "vertexjob")
    for variable in placeholders(image)[image].secrets:
        raise ComponentError(
            f"{component.name} reads {variable} from a Secret of Kubernetes, which Vertex AI does not have",
            "have its code read it from Google's Secret Manager, as the job's service_account",
        )
    order = VertexOrder(
        name=component.name,
        image=image,
        project=project,
        region=region,
        staging=staging,
        machine=machine,
        accelerator=accelerator,
        accelerators=accelerators,
        nodes=nodes,
        service_account=service_account,
        network=network,
        labels=dict(labels or {}),
        deadline=deadline,
        spot=spot,
        endpoint=endpoint,
    )
    # Resources are those of the machine. What is mounted, such as credentials of Google's, the step itself needs, and
    # the variable that names them; where the step's pod may run is the pod's business.
    field = dsl.TaskConfigField
    passed = [
        dsl.TaskConfigPassthrough(field=field.RESOURCES),
        dsl.TaskConfigPassthrough(field=field.ENV, apply_to_task=True),
        dsl.TaskConfigPassthrough(field=field.KUBERNETES_VOLUMES, apply_to_task=True),
    ]
    return told(component, VERTEX_IMAGE, VERTEX, order.text(), passed)
