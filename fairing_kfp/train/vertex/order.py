"""What a step that trains on Vertex AI is told to do: which image to run, where, and on which machines.

It is made when the pipeline is, travels as JSON in the step's arguments, and is read in the step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fairing_kfp.errors import ConfigError
from fairing_kfp.train.written import Written

OWNER = "fairing-kfp-owner"
"""The label by which ours is known."""

# https://cloud.google.com/resource-manager/docs/creating-managing-projects, with the domain that old ones have
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|\d+")
_REGION = re.compile(r"[a-z]+(?:-[a-z]+)+\d+")
# https://cloud.google.com/storage/docs/buckets#naming
_STAGING = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:/[^/\s?#\[\]*]+)*/?")
# https://cloud.google.com/resource-manager/docs/labels-overview#requirements
_KEY, _VALUE = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")
_FORMS = {
    "project": (_PROJECT, "give the project's id, such as my-project"),
    "region": (_REGION, "give one of Vertex AI's regions, such as europe-west4"),
    "staging": (_STAGING, "give a folder in a bucket, such as gs://my-bucket/staging"),
    "machine": (re.compile(r"[a-z][a-z0-9-]*"), "give a machine type, such as n1-standard-8"),
    "accelerator": (re.compile(r"[A-Z][A-Z0-9_]*"), "give an accelerator type, such as NVIDIA_TESLA_T4"),
    "service_account": (re.compile(r"[^@\s]+@[^@\s]+"), "give the e-mail address of a service account"),
    "network": (re.compile(r"projects/[^/]+/global/networks/[^/]+"), "write projects/NUMBER/global/networks/NAME"),
    "endpoint": (re.compile(r"https?://[^/\s]+|[A-Za-z0-9.-]+(?::\d+)?"), "give a host, such as vertex.example.com"),
}


@dataclass(frozen=True)
class VertexOrder(Written):
    """What is to be run, and how.

    Attributes:
        name: the component's, for names and messages.
        image: by digest; in the pipeline that is traced, the component's placeholder.
        project: the id of the Google Cloud project.
        region: such as `europe-west4`.
        staging: `gs://bucket/folder`, in which each job has a folder of its own while it runs.
        machine: the machine type.
        accelerator: the accelerator type; None for none.
        accelerators: how many of them a machine has.
        nodes: how many machines work together.
        service_account: as whom the code runs; Vertex AI's own service agent by default.
        network: the network that the machines are peered with.
        labels: of the job, beside ours.
        deadline: seconds after which the job is ended; by default Vertex AI's own, 7 days.
        spot: whether machines are taken that are cheaper, and may be taken away.
        endpoint: where the API is, if not at the region's public host.
    """

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

    def __post_init__(self) -> None:
        """Refuses what Vertex AI could not run.

        Raises:
            ConfigError: a number is too small, or a name malformed.
        """
        for word, (form, remedy) in _FORMS.items():
            value = getattr(self, word)
            if value is None and type(self).__dataclass_fields__[word].default is None:
                continue
            if not isinstance(value, str) or not form.fullmatch(value):
                raise ConfigError(f"{self.name}: {word}={value!r} of its {self.shown}", remedy)
        for number in ("accelerators", "nodes", "deadline"):
            value = getattr(self, number)
            if value is None and number == "deadline":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(
                    f"{self.name}: {number}={value!r} of its {self.shown}", "give a whole number from 1 on"
                )
        for key, value in self.labels.items():
            if not _KEY.fullmatch(str(key)) or not _VALUE.fullmatch(str(value)) or key == OWNER:
                raise ConfigError(
                    f"{self.name}: the label {key!r}: {value!r} of its {self.shown}",
                    "use at most 63 lower-case letters, digits, - and _, a key beginning with a letter, "
                    f"and not {OWNER}",
                )

    @property
    def where(self) -> str:
        """Whose job it is."""
        return "Vertex AI"

    @property
    def shown(self) -> str:
        """What it is, in a few words: `custom job of 2 machines`."""
        nodes = self.nodes if isinstance(self.nodes, int) else 1
        return "custom job" + (f" of {nodes} machines" if nodes > 1 else "")

    @property
    def parent(self) -> str:
        """Where the job is, as Google's APIs name it."""
        return f"projects/{self.project}/locations/{self.region}"
