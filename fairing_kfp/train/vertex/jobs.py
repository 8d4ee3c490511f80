"""Custom jobs of Vertex AI: asked for, found again, looked at and cancelled, by Google's own client over HTTP."""

from __future__ import annotations

import time
from typing import Any

from fairing_kfp.errors import VertexError
from fairing_kfp.train.vertex.order import OWNER, VertexOrder
from fairing_kfp.train.vertex.refusal import refusals

_ROLE = (
    "the role Vertex AI User (roles/aiplatform.user), and Service Account User (roles/iam.serviceAccountUser) on the "
    "job's service_account"
)
_QUICK, _SLOW = 2.0, 10.0  # seconds between two looks at a job
_GROWS = 1.2


class Jobs:
    """The jobs of a project in a region.

    Args:
        order: says which project, region and endpoint.
        credentials: Google's; those of this machine by default.
        patience: for how many seconds an API that does not answer is asked again.

    Raises:
        VertexError: there are no credentials.
    """

    def __init__(self, order: VertexOrder, credentials: Any = None, patience: float = 120) -> None:
        from google.api_core.client_options import ClientOptions
        from google.api_core.retry import Retry, if_transient_error
        from google.cloud.aiplatform_v1.services.job_service import JobServiceClient

        self._order = order
        self._retry = Retry(predicate=if_transient_error, initial=0.2, maximum=5, timeout=patience)
        self._patience = patience
        endpoint = order.endpoint or f"{order.region}-aiplatform.googleapis.com"
        with self._refusals("speaking to Vertex AI"):
            self._client = JobServiceClient(
                transport="rest", credentials=credentials, client_options=ClientOptions(api_endpoint=endpoint)
            )

    def find(self, owner: str) -> Any | None:
        """The job that an earlier attempt made and that has not failed; None if there is none.

        Args:
            owner: the value of the label by which ours is known.

        Raises:
            VertexError: Google refuses.
        """
        from google.cloud.aiplatform_v1 import types

        request = types.ListCustomJobsRequest(parent=self._order.parent, filter=f'labels.{OWNER}="{owner}"')
        with self._refusals(f"listing the custom jobs of {self._order.parent}"):
            found = list(self._client.list_custom_jobs(request, retry=self._retry))
        usable = [job for job in found if not (ended(job) and not succeeded(job)) and not _is_cancelling(job)]
        return max(usable, key=lambda job: job.create_time, default=None)

    def create(self, job: Any, owner: str) -> Any:
        """Makes a job once, even if an answer is lost.

        Args:
            job: what is asked for.
            owner: the value of its label.

        Raises:
            VertexError: Google refuses.
        """
        import requests
        from google.api_core import exceptions

        give_up, pause = time.monotonic() + self._patience, 0.5
        with self._refusals(f"making the custom job {job.display_name}"):
            while True:
                try:
                    # Not by the client's own retries: a request whose answer was lost may have made the job.
                    return self._client.create_custom_job(parent=self._order.parent, custom_job=job, retry=None)
                except (exceptions.ServerError, requests.ConnectionError):
                    if (made := self.find(owner)) is not None:
                        return made
                    if time.monotonic() > give_up:
                        raise
                time.sleep(pause)
                pause = min(pause * 2, 5)

    def state(self, name: str) -> Any:
        """A job as it is now.

        Raises:
            VertexError: it was deleted, or Google does not answer.
        """
        with self._refusals(f"looking at {name}", absent="somebody deleted it; run the pipeline again"):
            return self._client.get_custom_job(name=name, retry=self._retry)

    def cancel(self, name: str) -> None:
        """Asks for a job to end; again is harmless.

        Raises:
            VertexError: Google refuses.
        """
        from google.api_core import exceptions

        with self._refusals(f"cancelling {name}"):
            try:
                self._client.cancel_custom_job(name=name, retry=self._retry)
            except (exceptions.FailedPrecondition, exceptions.NotFound):
                return  # it has ended
            except exceptions.BadRequest:
                if not ended(self._client.get_custom_job(name=name)):
                    raise

    def _refusals(self, what: str, absent: str = "") -> Any:
        named = f"see that the project {self._order.project} exists, and that Vertex AI has the region "
        return refusals(what, role=_ROLE, absent=absent or f"{named}{self._order.region}")


def ended(job: Any) -> bool:
    """Whether a job does nothing any more."""
    return word(job) in ("SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")


def succeeded(job: Any) -> bool:
    """Whether a job did what it was for."""
    return word(job) == "SUCCEEDED"


def word(job: Any) -> str:
    """The state of a job, without what all states begin with: `RUNNING`."""
    return str(job.state.name).removeprefix("JOB_STATE_")


def page(job: Any) -> str:
    """Where people see a job and its log."""
    _, project, _, region, _, number = job.name.split("/")
    return f"https://console.cloud.google.com/ai/platform/locations/{region}/training/{number}?project={project}"


def follow(jobs: Jobs, job: Any, say: Any, look: float = _QUICK) -> Any:
    """Shows the states of a job until it has ended; gives its last one.

    Args:
        jobs: is asked.
        job: as it was last seen.
        say: takes a sentence for the step's log.
        look: seconds until the first look; Vertex AI has no watch, so that looks grow rarer, up to every 10 seconds.

    Raises:
        VertexError: it was deleted, or Google does not answer.
    """
    said = ""
    while True:
        if word(job) != said:
            said, pause = word(job), look
            say(f"{job.display_name} is {said.lower()}")
        if ended(job):
            return job
        time.sleep(pause)
        pause = max(pause, min(pause * _GROWS, _SLOW))
        job = jobs.state(job.name)


def failure(order: VertexOrder, job: Any) -> VertexError:
    """The error of a job that did not succeed."""
    shown = f"{order.shown} {job.display_name} on Vertex AI"
    state = word(job)
    if state == "CANCELLED":
        return VertexError(f"{shown} was cancelled", "run it again; see who cancelled it")
    if state == "EXPIRED":
        return VertexError(f"{shown} ran out of time: {job.error.message}".rstrip(": "), "give it a longer deadline=")
    message = job.error.message or "Vertex AI does not say why"
    said = message.lower()
    remedy = f"see its log: {page(job)}"
    if job.error.code == 8 or "quota" in said or "resources are insufficient" in said:  # google.rpc.RESOURCE_EXHAUSTED
        remedy = "ask Google for more quota, or choose another region, machine or accelerator, or without spot"
    elif "out of memory" in said or "oom" in said.split():
        remedy = f"choose a machine with more memory than {order.machine}; {remedy}"
    elif "image" in said and any(cause in said for cause in ("pull", "not found", "permission", "does not exist")):
        remedy = (
            f"push {order.image} where Vertex AI can pull it: into Artifact Registry, with the role "
            "roles/artifactregistry.reader for its service agent, or as a public image of Docker Hub"
        )
    return VertexError(f"{shown} failed: {message}", remedy)


def _is_cancelling(job: Any) -> bool:
    return word(job) == "CANCELLING"
