"""`vertexjob`: a component that runs as a custom job on Vertex AI.

@dsl.pipeline
def digits(depth: int = 8):
    on_vertex = vertexjob(train, project="my-project", region="europe-west4", staging="gs://my-bucket/staging")
    trained = on_vertex(depth=depth)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from fairing_kfp.errors import ComponentError
from fairing_kfp.option_check import check_given, check_options
from fairing_kfp.option_signature import lists_options
from fairing_kfp.preprocess.source import VERTEX_IMAGE
from fairing_kfp.train.builtin_step import builtin_step, image_placeholder
from fairing_kfp.train.vertex.spec import VERTEX_COMMAND

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.train.builtin_step import C


class VertexJobOptions(TypedDict, total=False):
    """Optional settings of a custom job.

    Attributes:
        machine: machine type; `n1-standard-4` by default.
        accelerator: accelerator type, such as `NVIDIA_TESLA_T4`; none by default.
        accelerators: number of accelerators per machine; 1 by default.
        nodes: number of machines; 1 by default. Outputs are those of the first. The machines find each other through
            Vertex AI's environment variables `CLUSTER_SPEC` and `TF_CONFIG`.
        service_account: service account of the code; Vertex AI's service agent by default.
        network: network to peer the machines with: `projects/NUMBER/global/networks/NAME`.
        labels: labels of the job.
        deadline: maximum duration of the job, in seconds; 7 days by default, which is Vertex AI's limit.
        spot: whether to use Spot VMs, which cost less and can be preempted.
        endpoint: host of the API if it is not the region's public one, for Private Service Connect.
    """

    machine: str
    accelerator: str | None
    accelerators: int
    nodes: int
    service_account: str | None
    network: str | None
    labels: Mapping[str, str] | None
    deadline: int | None
    spot: bool
    endpoint: str | None


@lists_options(VertexJobOptions)
def vertexjob(component: C, *, project: str, region: str, staging: str, **options: Unpack[VertexJobOptions]) -> C:
    """A component that runs as a custom job on Vertex AI.

    Args:
        component: result of `@fairing_component`, `from_script` or `from_notebook`. Vertex AI must be able to pull its
            image: from Artifact Registry, or a public image from Docker Hub.
        project: ID of the Google Cloud project.
        region: region of Vertex AI, such as `europe-west4`.
        staging: `gs://bucket/folder` for inputs and outputs while the job runs.
        options: see `VertexJobOptions`.

    Returns:
        A component with the same inputs and outputs.

    Raises:
        ComponentError: the object is not a component of fairing-kfp, reads a Secret of Kubernetes, or an option is
            unknown.
        ConfigError: the value of an option is invalid.
        UnavailableError: the installed kfp is older than 2.15.
    """
    from kfp import dsl

    from fairing_kfp.preprocess.source import placeholders
    from fairing_kfp.train.task_config import require_task_config
    from fairing_kfp.train.vertex.spec import VertexJobSpec

    image = image_placeholder(component, "vertexjob")
    for variable in placeholders(image)[image].secrets:
        raise ComponentError(
            f"{component.name} reads {variable} from a Secret of Kubernetes, which Vertex AI does not have",
            "read it from Google's Secret Manager, with the permissions of the job's service_account",
        )
    owner = f"vertexjob({component.name})"
    require_task_config(owner)
    check_given(owner, options, VertexJobOptions)
    check_options(
        owner, places := {"project": project, "region": region, "staging": staging}, dict.fromkeys(places, str)
    )
    given: dict[str, Any] = {**options, "labels": dict(options.get("labels") or {})}
    spec = VertexJobSpec(component.name, image, project, region, staging, **given)
    # The machine type decides the resources. The step itself needs volumes, such as one with Google credentials, and
    # the variable with their path. Node selector, tolerations and affinity apply to the step's own pod.
    field = dsl.TaskConfigField
    passthroughs = [
        dsl.TaskConfigPassthrough(field=field.RESOURCES),
        dsl.TaskConfigPassthrough(field=field.ENV, apply_to_task=True),
        dsl.TaskConfigPassthrough(field=field.KUBERNETES_VOLUMES, apply_to_task=True),
    ]
    return builtin_step(component, VERTEX_IMAGE, VERTEX_COMMAND, spec, passthroughs)
