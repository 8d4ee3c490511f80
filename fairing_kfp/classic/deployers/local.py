"""Jobs on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from fairing_kfp.classic.deployers.job.job import Job
from fairing_kfp.classic.work.here import LocalPlace

if TYPE_CHECKING:
    from fairing_kfp.classic.work.place import Place


class LocalJob(Job):
    """Runs code on this machine, from the layers of its image, without Docker, registry or cluster; see `Job`.

    Options of pods, such as `pod_spec_mutators`, have no effect here.
    """

    kind: ClassVar[str] = "job"

    def _place(self) -> Place:
        return LocalPlace()
