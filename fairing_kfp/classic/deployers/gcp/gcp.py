"""Custom jobs on Vertex AI, which replaced AI Platform's training jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

from fairing_kfp.classic.cloud import gcp
from fairing_kfp.classic.deployers.job.job import Job
from fairing_kfp.classic.work.deprecation import refuse, warn_unused
from fairing_kfp.errors import ConfigError

_REGION = "us-central1"
_TIERS: Mapping[str, Mapping[str, Any]] = {
    "BASIC": {"machine": "n1-standard-4"},
    "STANDARD_1": {"machine": "n1-highcpu-8", "nodes": 5},
    "PREMIUM_1": {"machine": "n1-highcpu-16", "nodes": 20},
    "BASIC_GPU": {"machine": "n1-standard-8", "accelerator": "NVIDIA_TESLA_T4"},
    "CUSTOM": {},
}
_CONFIG = ("jobDir", "masterType", "workerCount", "serviceAccount", "network")


class GCPJob(Job):
    """Runs code as a custom job on Vertex AI; needs Kubeflow Pipelines.

    Args:
        project_id: Google Cloud project; the current one by default.
        region: region of Vertex AI; `us-central1` by default.
        scale_tier: `BASIC`, `STANDARD_1`, `PREMIUM_1`, `BASIC_GPU` or `CUSTOM`, for which a machine type is chosen.
        job_config: of AI Platform's `trainingInput`: `jobDir` (required, a `gs://` folder for files while the job
            runs), `masterType`, `workerCount`, `serviceAccount`, `network`.
        use_stream_logs: whether `deploy` prints the log, and returns when the job has ended.

    Raises:
        ConfigError: the scale tier or a key of `job_config` is unknown.
    """

    kind: ClassVar[str] = "vertex"

    def __init__(
        self,
        project_id: str | None = None,
        region: str | None = None,
        scale_tier: str | None = None,
        job_config: Mapping[str, Any] | None = None,
        use_stream_logs: bool = False,
    ) -> None:
        config = dict(job_config or {})
        if scale_tier is not None and scale_tier not in _TIERS:
            raise ConfigError(f"Vertex AI has no scale tier {scale_tier!r}", f"use one of {', '.join(_TIERS)}")
        for key in config:
            if key not in _CONFIG:
                raise ConfigError(
                    f"job_config has the key {key!r}, which Vertex AI does not have",
                    f"use {', '.join(_CONFIG)}; or fairing_kfp.vertexjob, which has all options",
                )
        super().__init__(stream_log=use_stream_logs, deployer_type=self.kind)
        self._project, self._region = project_id, region or _REGION
        self._tier, self._config = scale_tier, config

    def create_request_dict(self, pod_template_spec: Any) -> NoReturn:
        """Refused, since AI Platform is retired."""
        refuse("GCPJob.create_request_dict()", "AI Platform is retired", "use fairing_kfp.vertexjob")

    def stream_logs(self, interval_time_sec: int = 60) -> None:
        """Waits for the end of the job, and prints its log.

        Args:
            interval_time_sec: has no effect any more.
        """
        warn_unused("GCPJob.stream_logs", "interval_time_sec", interval_time_sec, 60, "the log is shown as it comes")
        self.get_logs()

    def options(self, pod_spec: Any) -> dict[str, Any]:
        """Options of the job; see `fairing_kfp.vertexjob`.

        Raises:
            ConfigError: `jobDir` is missing, or the project is unknown.
        """
        config = self._config
        if not str(config.get("jobDir", "")).startswith("gs://"):
            raise ConfigError(
                "Vertex AI needs a folder for the files of the job", 'set job_config={"jobDir": "gs://BUCKET/FOLDER"}'
            )
        machine = dict(_TIERS[self._tier or "BASIC"])
        if "masterType" in config:
            machine["machine"] = config["masterType"]
        if "workerCount" in config:
            machine["nodes"] = int(config["workerCount"]) + 1
        return {
            "project": self._project or gcp.guess_project_name(),
            "region": self._region,
            "staging": config["jobDir"],
            **machine,
            **({"service_account": config["serviceAccount"]} if "serviceAccount" in config else {}),
            **({"network": config["network"]} if "network" in config else {}),
        }
