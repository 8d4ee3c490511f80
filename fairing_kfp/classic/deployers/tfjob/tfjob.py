"""TFJobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NoReturn

from fairing_kfp.classic.deployers.job.job import Job
from fairing_kfp.classic.work.deprecation import refuse, warn_unused

_WORKERS = (
    "all nodes are workers, the first of which is the chief; use tf.distribute.MultiWorkerMirroredStrategy instead of "
    "parameter servers"
)


class TfJob(Job):
    """Runs code as a TFJob, whose nodes are all workers; see `Job`.

    Args:
        worker_count: number of workers.
        ps_count: has no effect any more.
        chief_count: number of chiefs, which are workers as well.
        runs: has no effect any more.
    """

    kind: ClassVar[str] = "tfjob"

    def __init__(
        self,
        namespace: str | None = None,
        worker_count: int = 1,
        ps_count: int = 0,
        chief_count: int = 0,
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
        warn_unused("TfJob", "ps_count", ps_count, 0, _WORKERS)
        warn_unused("TfJob", "runs", runs, 1, "set worker_count")
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
        self.worker_count, self.ps_count, self.chief_count = worker_count, ps_count, chief_count

    def set_container_name(self, pod_template_spec: Any) -> NoReturn:
        """Refused, since `deploy` names the container."""
        self._refuse("set_container_name")

    def detach_gpu(self, pod_spec: Any) -> NoReturn:
        """Refused, since there are no parameter servers to take GPUs from."""
        refuse("TfJob.detach_gpu()", "there are no parameter servers", "request GPUs with get_resource_mutator(gpu=…)")

    def _nodes(self) -> int:
        return self.worker_count + self.chief_count
