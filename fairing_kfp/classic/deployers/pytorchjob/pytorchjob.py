"""PyTorchJobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NoReturn

from fairing_kfp.classic.deployers.job.job import Job
from fairing_kfp.classic.work.deprecation import warn_unused


class PyTorchJob(Job):
    """Runs code as a PyTorchJob, whose nodes meet through torchrun; see `Job`.

    Args:
        master_count: number of masters; the first node has rank 0.
        worker_count: number of further nodes.
        runs: has no effect any more.
    """

    kind: ClassVar[str] = "pytorchjob"

    def __init__(
        self,
        namespace: str | None = None,
        master_count: int = 1,
        worker_count: int = 1,
        runs: int = 1,
        job_name: str | None = None,
        stream_log: bool = True,
        labels: Mapping[str, str] | None = None,
        pod_spec_mutators: Sequence[Callable[..., Any]] | None = None,
        cleanup: bool = False,
        annotations: Mapping[str, str] | None = None,
        config_file: str | None = None,
        context: str | None = None,
        client_configuration: Any = None,
        persist_config: bool = True,
    ) -> None:
        warn_unused("PyTorchJob", "runs", runs, 1, "set worker_count")
        super().__init__(
            namespace,
            labels=labels,
            job_name=job_name,
            stream_log=stream_log,
            deployer_type=self.kind,
            pod_spec_mutators=pod_spec_mutators,
            cleanup=cleanup,
            annotations=annotations,
            config_file=config_file,
            context=context,
            client_configuration=client_configuration,
            persist_config=persist_config,
        )
        self.master_count, self.worker_count = master_count, worker_count

    def set_container_name(self, pod_template_spec: Any) -> NoReturn:
        """Refused, since `deploy` names the container."""
        self._refuse("set_container_name")

    def _nodes(self) -> int:
        return self.master_count + self.worker_count
