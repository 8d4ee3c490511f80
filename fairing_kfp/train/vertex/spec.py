"""The spec of a training step on Vertex AI: image, project, region and machines.

The compiler writes it as JSON into the step's arguments; the step parses it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from fairing_kfp.errors import ConfigError
from fairing_kfp.json_spec import OMIT_DEFAULT, JsonSpec

VERTEX_COMMAND = ("python3", "-m", "fairing_kfp.train.vertex")
"""Command of a training step on Vertex AI."""

OWNER = "fairing-kfp-owner"
"""Label with the owner of a job, by which a retried step finds it."""

# https://cloud.google.com/resource-manager/docs/creating-managing-projects; older IDs have a domain prefix
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|\d+")
_REGION = re.compile(r"[a-z]+(?:-[a-z]+)+\d+")
# https://cloud.google.com/storage/docs/buckets#naming
_STAGING = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:/[^/\s?#\[\]*]+)*/?")
# https://cloud.google.com/resource-manager/docs/labels-overview#requirements
_KEY, _VALUE = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")
_FORMS = {
    "project": (_PROJECT, "use the project's ID, such as my-project"),
    "region": (_REGION, "use a region of Vertex AI, such as europe-west4"),
    "staging": (_STAGING, "use a folder in a bucket, such as gs://my-bucket/staging"),
    "machine": (re.compile(r"[a-z][a-z0-9-]*"), "use a machine type, such as n1-standard-8"),
    "accelerator": (re.compile(r"[A-Z][A-Z0-9_]*"), "use an accelerator type, such as NVIDIA_TESLA_T4"),
    "service_account": (re.compile(r"[^@\s]+@[^@\s]+"), "use the e-mail address of a service account"),
    "network": (re.compile(r"projects/[^/]+/global/networks/[^/]+"), "use projects/NUMBER/global/networks/NAME"),
    "endpoint": (re.compile(r"https?://[^/\s]+|[A-Za-z0-9.-]+(?::\d+)?"), "use a host, such as vertex.example.com"),
}


@dataclass(frozen=True)
class VertexJobSpec(JsonSpec):
    """A custom job that runs a component's code.

    Attributes:
        name: name of the component, for names and messages.
        image: image by digest; the component's placeholder in a traced pipeline.
        project: ID of the Google Cloud project.
        region: region of Vertex AI, such as `europe-west4`.
        staging: `gs://bucket/folder`, in which each running job has a folder.
        machine: machine type.
        accelerator: accelerator type; None for no accelerator.
        accelerators: number of accelerators per machine.
        nodes: number of machines.
        service_account: service account of the code; None for Vertex AI's service agent.
        network: network to peer the machines with.
        labels: labels of the job.
        deadline: maximum duration of the job, in seconds; None for Vertex AI's limit of 7 days.
        spot: whether to use Spot VMs, which cost less and can be preempted.
        endpoint: host of the API; None for the region's public host.
        display_name: name of the job in the console; by default the name of the component, made unique.
        command: command that starts the program in the image; empty for a component's own.
    """

    _step: ClassVar[str] = "train"

    name: str
    image: str
    project: str
    region: str
    staging: str
    machine: str = "n1-standard-4"
    accelerator: str | None = None
    accelerators: int = 1
    nodes: int = 1
    service_account: str | None = None
    network: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    deadline: int | None = None
    spot: bool = False
    endpoint: str | None = None
    display_name: str = field(default="", metadata=OMIT_DEFAULT)
    command: tuple[str, ...] = field(default=(), metadata=OMIT_DEFAULT)

    def __post_init__(self) -> None:
        """Checks values that Vertex AI does not accept.

        Raises:
            ConfigError: a number is too small, or a name is malformed.
        """
        for name, (form, remedy) in _FORMS.items():
            value = getattr(self, name)
            if value is None and type(self).__dataclass_fields__[name].default is None:
                continue
            if not isinstance(value, str) or not form.fullmatch(value):
                raise ConfigError(f"{self.name}: {name}={value!r} of its {self.shown}", remedy)
        for name in ("accelerators", "nodes", "deadline"):
            value = getattr(self, name)
            if value is None and name == "deadline":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"{self.name}: {name}={value!r} of its {self.shown}", "use an integer of at least 1")
        for key, value in self.labels.items():
            if not _KEY.fullmatch(str(key)) or not _VALUE.fullmatch(str(value)) or key == OWNER:
                raise ConfigError(
                    f"{self.name}: the label {key!r}: {value!r} of its {self.shown}",
                    "use at most 63 lowercase letters, digits, - and _; a key starts with a letter, and is not "
                    f"{OWNER}",
                )

    @property
    def where(self) -> str:
        """The system that runs the job."""
        return "Vertex AI"

    @property
    def shown(self) -> str:
        """The job in messages, such as `custom job of 2 machines`."""
        nodes = self.nodes if isinstance(self.nodes, int) else 1
        return "custom job" + (f" of {nodes} machines" if nodes > 1 else "")

    @property
    def parent(self) -> str:
        """The parent resource of the job in Google's APIs."""
        return f"projects/{self.project}/locations/{self.region}"
