"""Custom jobs of Vertex AI, with Google's client over HTTP: create, find, follow and cancel."""

from __future__ import annotations

import time
from typing import Any

from fairing_kfp.errors import JobFailedError
from fairing_kfp.train.vertex.errors import vertex_errors
from fairing_kfp.train.vertex.spec import OWNER, VertexJobSpec

_ROLE = (
    "the role Vertex AI User (roles/aiplatform.user), and Service Account User (roles/iam.serviceAccountUser) on the "
    "job's service_account"
)
_INTERVAL, _MAX_INTERVAL = 2.0, 10.0  # seconds between requests for the state of a job
_BACKOFF = 1.2


class Jobs:
    """The jobs of a project in a region.

    Args:
        spec: spec with the project, region and endpoint.
        credentials: Google credentials; application default credentials if None.
        patience: how long failed requests are retried, in seconds.

    Raises:
        VertexError: there are no credentials.
    """

    def __init__(self, spec: VertexJobSpec, credentials: Any = None, patience: float = 120) -> None:
        from google.api_core.client_options import ClientOptions
        from google.api_core.retry import Retry, if_transient_error
        from google.cloud.aiplatform_v1.services.job_service import JobServiceClient

        self._spec = spec
        self._retry = Retry(predicate=if_transient_error, initial=0.2, maximum=5, timeout=patience)
        self._patience = patience
        endpoint = spec.endpoint or f"{spec.region}-aiplatform.googleapis.com"
        with self._errors("connect to Vertex AI"):
            self._client = JobServiceClient(
                transport="rest", credentials=credentials, client_options=ClientOptions(api_endpoint=endpoint)
            )

    def find(self, owner: str) -> Any | None:
        """The job of an earlier attempt that has not failed and is not cancelled; None if there is none.

        Args:
            owner: value of the label `OWNER`.

        Raises:
            VertexError: Google Cloud rejects the request, or does not answer.
        """
        from google.cloud.aiplatform_v1 import types

        request = types.ListCustomJobsRequest(parent=self._spec.parent, filter=f'labels.{OWNER}="{owner}"')
        with self._errors(f"list the custom jobs of {self._spec.parent}"):
            found = list(self._client.list_custom_jobs(request, retry=self._retry))
        usable = [job for job in found if not (has_ended(job) and not has_succeeded(job)) and not _is_cancelling(job)]
        return max(usable, key=lambda job: job.create_time, default=None)

    def create(self, job: Any, owner: str) -> Any:
        """Creates a job, exactly once even if a response is lost.

        Args:
            job: the job.
            owner: value of its label `OWNER`.

        Raises:
            VertexError: Google Cloud rejects the request, or does not answer.
        """
        import requests
        from google.api_core import exceptions

        give_up, pause = time.monotonic() + self._patience, 0.5
        with self._errors(f"create the custom job {job.display_name}"):
            while True:
                try:
                    # Without the client's own retries: a request whose response was lost may have created the job.
                    return self._client.create_custom_job(parent=self._spec.parent, custom_job=job, retry=None)
                except (exceptions.ServerError, requests.ConnectionError):
                    if (created := self.find(owner)) is not None:
                        return created
                    if time.monotonic() > give_up:
                        raise
                time.sleep(pause)
                pause = min(pause * 2, 5)

    def state(self, name: str) -> Any:
        """The current state of a job.

        Raises:
            VertexError: the job was deleted, or Google Cloud does not answer.
        """
        with self._errors(f"get {name}", absent="the job was deleted; run the pipeline again"):
            return self._client.get_custom_job(name=name, retry=self._retry)

    def cancel(self, name: str) -> None:
        """Cancels a job, if it has not ended.

        Raises:
            VertexError: Google Cloud rejects the request, or does not answer.
        """
        from google.api_core import exceptions

        with self._errors(f"cancel {name}"):
            try:
                self._client.cancel_custom_job(name=name, retry=self._retry)
            except (exceptions.FailedPrecondition, exceptions.NotFound):
                return  # it has ended
            except exceptions.BadRequest:
                if not has_ended(self._client.get_custom_job(name=name)):
                    raise

    def _errors(self, action: str, absent: str = "") -> Any:
        check = (
            f"check that the project {self._spec.project} exists, and that Vertex AI has the region {self._spec.region}"
        )
        return vertex_errors(action, role=_ROLE, absent=absent or check)


def has_ended(job: Any) -> bool:
    """Whether a job has succeeded, failed, expired or was cancelled."""
    return state_of(job) in ("SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")


def has_succeeded(job: Any) -> bool:
    """Whether a job has succeeded."""
    return state_of(job) == "SUCCEEDED"


def state_of(job: Any) -> str:
    """The state of a job without its prefix, such as `RUNNING`."""
    return str(job.state.name).removeprefix("JOB_STATE_")


def console_url(job: Any) -> str:
    """The URL of a job and its log in the Google Cloud console."""
    _, project, _, region, _, number = job.name.split("/")
    return f"https://console.cloud.google.com/ai/platform/locations/{region}/training/{number}?project={project}"


def follow(jobs: Jobs, job: Any, log: Any, interval: float = _INTERVAL) -> Any:
    """Logs the states of a job until it has ended, and returns its last state.

    Args:
        jobs: client for the job.
        job: last known state of the job.
        log: receives messages.
        interval: seconds until the state is requested again. Vertex AI has no watch, so the interval grows up to 10
            seconds while the state stays the same.

    Raises:
        VertexError: the job was deleted, or Google Cloud does not answer.
    """
    logged = ""
    while True:
        if state_of(job) != logged:
            logged, pause = state_of(job), interval
            log(f"{job.display_name}: {logged.lower()}")
        if has_ended(job):
            return job
        time.sleep(pause)
        pause = max(pause, min(pause * _BACKOFF, _MAX_INTERVAL))
        job = jobs.state(job.name)


def failure(spec: VertexJobSpec, job: Any) -> JobFailedError:
    """The error of a job that ended without success."""
    shown = f"{spec.shown} {job.display_name} on Vertex AI"
    state = state_of(job)
    if state == "CANCELLED":
        return JobFailedError(
            f"{shown} was cancelled", "run the pipeline again, or look up in the audit log who cancelled it"
        )
    if state == "EXPIRED":
        return JobFailedError(f"{shown} exceeded its deadline: {job.error.message}".rstrip(": "), "increase deadline=")
    message = job.error.message or "Vertex AI reports no cause"
    lowered = message.lower()
    remedy = f"see its log: {console_url(job)}"
    if (
        job.error.code == 8 or "quota" in lowered or "resources are insufficient" in lowered
    ):  # google.rpc.RESOURCE_EXHAUSTED
        remedy = "request more quota from Google, or choose another region, machine or accelerator, or spot=False"
    elif "out of memory" in lowered or "oom" in lowered.split():
        remedy = f"choose a machine with more memory than {spec.machine}; {remedy}"
    elif "image" in lowered and any(
        cause in lowered for cause in ("pull", "not found", "permission", "does not exist")
    ):
        remedy = (
            f"push {spec.image} to a registry from which Vertex AI can pull: Artifact Registry, with the role "
            "roles/artifactregistry.reader for Vertex AI's service agent, or Docker Hub as a public image"
        )
    return JobFailedError(f"{shown} failed: {message}", remedy)


def _is_cancelling(job: Any) -> bool:
    return state_of(job) == "CANCELLING"
