"""Errors that fairing-kfp raises on purpose, public as `fairing_kfp.errors`.

    FairingError
    ├── ComponentError               a function, class, script or notebook cannot become a component
    ├── SourceError                  a source cannot be fetched, or does not exist
    ├── PackError                    code cannot be packed
    │   ├── CaptureError             a captured value cannot be pickled, or not deterministically
    │   ├── SecretError              a captured value or a file looks like a credential
    │   └── ModuleNotPackedError     an own module cannot be found or shipped
    ├── DependencyError              packages cannot be resolved for the base image
    │   ├── LockError                the lock file is damaged or contradicts itself
    │   ├── SourceOnlyError          packages have no wheels
    │   └── PackageIndexError        uv is not installed, or the package index does not answer
    ├── ImageError                   an image cannot be made
    │   ├── InvalidReferenceError    an image name is malformed
    │   ├── PlatformError            the base image does not support a platform
    │   └── PythonVersionError       the base image's Python differs from the author's
    ├── RegistryError                a registry answered with an error, or not at all
    │   ├── NotFoundError            no such image, blob or repository
    │   │   └── MissingRepositoryError  the repository to push to has to be created first
    │   ├── UnauthorizedError        credentials are missing or refused
    │   ├── DigestError              received bytes do not match their digest
    │   ├── TransientError           the request may succeed later
    │   └── StoppedError             the transfer was cancelled
    ├── ClusterError                 Kubernetes answered with an error, or not at all
    │   ├── NotInstalledError        the cluster does not serve a kind
    │   ├── ForbiddenError           an RBAC rule is missing
    │   ├── InvalidObjectError       Kubernetes rejects a field or value of an object
    │   ├── ForeignObjectError       an object of that name belongs to another owner
    │   ├── MissingObjectError       an object does not exist, or was deleted meanwhile
    │   ├── ExchangeError            files cannot be transferred to or from the nodes of a job
    │   └── DeadlineError            an object did not finish in time
    ├── JobFailedError               a job failed or cannot run, on Kubernetes or on Vertex AI
    ├── VertexError                  Google Cloud answered with an error, or not at all
    ├── ServingError                 a version does not become ready, or its reply is not as it should be
    │   └── SupersededError          another version was rolled out meanwhile
    ├── EndpointError                a served model answered with an error, or not at all
    ├── ModelRegistryError           the Model Registry answered with an error, or not at all
    ├── KfpError                     Kubeflow Pipelines answered with an error, or not at all
    ├── RunFailedError               a run on Kubeflow Pipelines failed or was canceled
    ├── CacheError                   the cache on disk cannot be read or written
    ├── ConfigError                  a setting is missing or malformed
    │   └── UnavailableError         a package, program or service that a setting needs is not there
    ├── PipelineError                a file or function is not a pipeline that can be compiled or run
    ├── MigrationError               a file that uses Kubeflow Fairing cannot be migrated
    └── StepFailedError              a step of a local run failed

Each message names the object and the cause; `remedy` says what to do.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any


class FairingError(Exception):
    """Base class of all errors raised on purpose.

    Args:
        message: the object and the cause.
        remedy: what the reader can do about it.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """The message and, on a line of its own, the remedy."""
        return f"{self.message}\n  → {self.remedy}" if self.remedy else self.message

    def _render_traceback_(self) -> list[str]:
        """What IPython displays instead of all frames; `%tb Verbose` shows them."""
        from fairing_kfp.tracebacks import ipython_lines  # not needed by steps, which import this module

        return ipython_lines(self)


class _StatusError(FairingError):
    """An error with an HTTP status. Control characters of the server are escaped.

    Args:
        message: the request, and what was answered.
        remedy: what to do.
        status: the HTTP status; None if there was no answer.
    """

    def __init__(self, message: str, remedy: str = "", *, status: int | None = None) -> None:
        super().__init__(_printable(message), remedy)
        self.status = status


def _printable(text: str) -> str:
    """Text with escaped control characters, which could rewrite the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


class ComponentError(FairingError):
    """A function, class, script or notebook cannot become a component."""


class SourceError(FairingError):
    """A source cannot be fetched, or does not exist."""


class PackError(FairingError):
    """Code cannot be packed."""


class CaptureError(PackError):
    """A captured value cannot be pickled, or would pickle differently each time."""


class SecretError(PackError):
    """A captured value or a file looks like a credential."""


class ModuleNotPackedError(PackError):
    """An own module cannot be found or shipped."""


class DependencyError(FairingError):
    """Packages cannot be resolved for the base image."""


class LockError(DependencyError):
    """The lock file is damaged or contradicts itself."""


class SourceOnlyError(DependencyError):
    """Packages have source distributions only, and wheels are required.

    Args:
        message: the packages, and what was required.
        remedy: what to do.
        names: the packages' names.
    """

    def __init__(self, message: str, remedy: str, *, names: Sequence[str]) -> None:
        super().__init__(message, remedy)
        self.names = tuple(names)


class PackageIndexError(DependencyError):
    """uv is not installed, or the package index does not answer."""


class ImageError(FairingError):
    """An image cannot be made. Control characters of its base are escaped."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(_printable(message), _printable(remedy))


class InvalidReferenceError(ImageError):
    """An image name is malformed."""


class PlatformError(ImageError):
    """The base image does not support a platform."""


class PythonVersionError(ImageError):
    """The base image's Python is unknown, or differs from the author's."""


class RegistryError(_StatusError):
    """A registry answered with an error, or did not answer.

    Args:
        message: the request, the registry, and what it answered.
        remedy: what to do.
        status: the HTTP status; None if there was no answer.
        code: the distribution specification's error code, such as `MANIFEST_UNKNOWN`.
    """

    def __init__(self, message: str, remedy: str = "", *, status: int | None = None, code: str = "") -> None:
        super().__init__(message, remedy, status=status)
        self.code = code

    def about(self, subject: str) -> RegistryError:
        """The same error, whose message begins with what failed because of it."""
        error = copy.copy(self)
        error.message = f"{subject}: {self.message}"
        error.args = (error.message,)
        return error


class NotFoundError(RegistryError):
    """The registry has no such image, blob or repository."""


class MissingRepositoryError(NotFoundError):
    """The repository to push to does not exist, and the registry does not create it on push."""


class UnauthorizedError(RegistryError):
    """Credentials are missing or were refused."""


class DigestError(RegistryError):
    """Received bytes do not have the requested digest."""


class TransientError(RegistryError):
    """The request may succeed later: the connection broke, or the status says so.

    Args:
        message: the request, the registry, and what it answered.
        remedy: what to do.
        status: the HTTP status; None if there was no answer.
        code: the distribution specification's error code.
        pause: for how many seconds the registry asks to wait (`Retry-After`).
    """

    def __init__(self, message: str, remedy: str = "", *, status: int | None = None, code: str = "", pause: float = 0):
        super().__init__(message, remedy, status=status, code=code)
        self.pause = pause


class StoppedError(RegistryError):
    """The transfer was cancelled."""

    def __init__(self) -> None:
        super().__init__("transfers with registries were cancelled", "run it again with a new builder")


class ClusterError(_StatusError):
    """Kubernetes answered with an error, or did not answer."""


class NotInstalledError(ClusterError):
    """The cluster does not serve a kind."""


class ForbiddenError(ClusterError):
    """The service account lacks an RBAC rule."""


class InvalidObjectError(ClusterError):
    """Kubernetes rejects a field or a value of an object."""


class ForeignObjectError(ClusterError):
    """An object of that name belongs to another owner."""


class MissingObjectError(ClusterError):
    """An object does not exist, or was deleted meanwhile."""


class ExchangeError(ClusterError):
    """Files cannot be transferred to or from the nodes of a job."""


class DeadlineError(ClusterError):
    """An object did not finish in time."""


class JobFailedError(FairingError):
    """A job failed or cannot run, on Kubernetes or on Vertex AI."""


class VertexError(FairingError):
    """Google Cloud answered with an error, or did not answer."""


class ServingError(FairingError):
    """A version does not become ready, or its reply is not as it should be."""


class SupersededError(ServingError):
    """Another version was rolled out meanwhile."""


class EndpointError(_StatusError):
    """A served model answered with an error, or did not answer."""


class ModelRegistryError(_StatusError):
    """The Model Registry answered with an error, or did not answer."""


class KfpError(_StatusError):
    """Kubeflow Pipelines answered with an error, or did not answer."""


class RunFailedError(FairingError):
    """A run on Kubeflow Pipelines failed or was canceled.

    Args:
        message: the run, the failed steps, and the end of the first one's log.
        remedy: where to look.
        state: the run's final state: `failed`, `canceled` or `skipped`.
        step: the name of the step that failed first; empty if none did.
        log: the end of its log; empty if it cannot be read.
    """

    def __init__(self, message: str, remedy: str = "", *, state: str = "failed", step: str = "", log: str = "") -> None:
        super().__init__(message, remedy)
        self.state = state
        self.step = step
        self.log = log


class CacheError(FairingError):
    """The cache on disk cannot be read or written."""


class ConfigError(FairingError):
    """A setting is missing or malformed."""


class UnavailableError(ConfigError):
    """A package, program or service that a setting needs is not there."""


class PipelineError(FairingError):
    """A file or function is not a pipeline that can be compiled or run."""


class MigrationError(FairingError):
    """A file that uses Kubeflow Fairing cannot be migrated."""


class StepFailedError(FairingError):
    """A step of a local run failed.

    Args:
        message: the step and the end of its log.
        remedy: where the whole log is.
        log: the step's log.
        result: the `fairing_kfp.RunResult` with the steps that ran, the failed one among them.
        summary: the message without the log.

    Attributes:
        is_displayed: whether a notebook displays the log, so that only the summary is displayed below it.
    """

    def __init__(self, message: str, remedy: str = "", *, log: str = "", result: Any = None, summary: str = "") -> None:
        super().__init__(message, remedy)
        self.log, self.result, self.summary, self.is_displayed = log, result, summary, False

    def _render_traceback_(self) -> list[str]:
        from fairing_kfp.tracebacks import ipython_lines

        return ipython_lines(self, self.summary if self.is_displayed else "")
