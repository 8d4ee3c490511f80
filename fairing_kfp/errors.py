"""Every error that fairing-kfp raises on purpose.

    FairingError
    ├── ComponentError            what was decorated cannot be a component
    ├── PackError                 code cannot be packed
    │   ├── CaptureError          a captured value cannot be pickled, or not stably
    │   ├── SecretError           a captured value or file looks like a credential
    │   └── ModuleNotPackedError  an own module cannot be found or shipped
    ├── DependencyError           packages cannot be resolved for the base image
    ├── ImageError                an image cannot be made
    │   ├── ReferenceError        an image name is malformed
    │   ├── PlatformError         the base has no such platform
    │   └── PythonVersionError    the base's Python is not the author's
    ├── RegistryError             a registry answered with an error, or not at all
    │   ├── NotFoundError         no such image, blob or repository
    │   ├── UnauthorizedError     credentials are missing or refused
    │   └── DigestError           bytes arrived that are not what was asked for
    ├── ClusterError              Kubernetes answered with an error, or not at all
    │   ├── NotInstalledError     the cluster does not know that kind of object
    │   ├── ForbiddenError        a role lacks a rule
    │   ├── InvalidObjectError    an object has a field or value that Kubernetes refuses
    │   ├── ForeignObjectError    an object of that name belongs to somebody else
    │   ├── MissingObjectError    no such object, or it was deleted underneath
    │   ├── ExchangeError         files cannot be brought to a job's nodes, or back
    │   ├── JobFailedError        a job failed, or cannot run
    │   └── ServingError          what was to be served does not come to serve
    ├── VertexError               Google Cloud answered with an error or not at all, or a custom job failed
    ├── EndpointError             a served model answered with an error, or not at all
    ├── CacheError                the cache on disk cannot be used
    ├── ConfigError               a setting is missing or malformed
    ├── PipelineError             a file or function is not a runnable pipeline
    └── StepFailedError           a step of a local run failed

Each message names the object and the cause; `remedy` says what to do.
"""

from __future__ import annotations


class FairingError(Exception):
    """The base of all errors raised on purpose.

    Args:
        message: what went wrong, naming the object.
        remedy: what the reader can do about it, a sentence.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """The message and, on a line of its own, the remedy."""
        return f"{self.message}\n  → {self.remedy}" if self.remedy else self.message


class ComponentError(FairingError):
    """What was decorated cannot be a component."""


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
    """The file in which the versions of packages are kept is damaged, or contradicts itself."""


class ImageError(FairingError):
    """An image cannot be made."""


class ReferenceError(ImageError):
    """An image name is malformed."""


class PlatformError(ImageError):
    """The base image has no such platform."""


class PythonVersionError(ImageError):
    """The base image's Python is unknown, or is not the author's."""


class RegistryError(FairingError):
    """A registry answered with an error, or did not answer.

    Args:
        message: what was asked, of which registry, and what it answered.
        remedy: what to do.
        status: the HTTP status, or None when there was no answer.
        code: the distribution specification's error code, such as `MANIFEST_UNKNOWN`.
    """

    def __init__(self, message: str, remedy: str = "", *, status: int | None = None, code: str = "") -> None:
        super().__init__(message, remedy)
        self.status = status
        self.code = code


class NotFoundError(RegistryError):
    """The registry has no such image, blob or repository."""


class UnauthorizedError(RegistryError):
    """Credentials are missing or were refused."""


class DigestError(RegistryError):
    """Bytes arrived that do not have the digest that was asked for."""


class ClusterError(FairingError):
    """Kubernetes answered with an error, or did not answer.

    Args:
        message: what was asked, of which object, and what was answered.
        remedy: what to do.
        status: the HTTP status, or None when there was no answer.
    """

    def __init__(self, message: str, remedy: str = "", *, status: int | None = None) -> None:
        super().__init__(message, remedy)
        self.status = status


class NotInstalledError(ClusterError):
    """The cluster does not know that kind of object."""


class ForbiddenError(ClusterError):
    """Whoever asks has no role that allows it."""


class InvalidObjectError(ClusterError):
    """An object has a field or a value that Kubernetes refuses."""


class ForeignObjectError(ClusterError):
    """An object of that name belongs to somebody else."""


class MissingObjectError(ClusterError):
    """There is no such object, or it was deleted underneath."""


class ExchangeError(ClusterError):
    """Files cannot be brought to the nodes of a job, or back."""


class JobFailedError(ClusterError):
    """A job failed, or cannot run."""


class VertexError(FairingError):
    """Google Cloud answered with an error or not at all, or a custom job of Vertex AI failed."""


class ServingError(ClusterError):
    """What was to be served does not come to serve, or does not answer as it should."""


class EndpointError(FairingError):
    """A served model answered with an error, or did not answer.

    Args:
        message: what was asked, and what was answered.
        remedy: what to do.
        status: the HTTP status, or None when there was no answer.
    """

    def __init__(self, message: str, remedy: str = "", *, status: int | None = None) -> None:
        super().__init__(message, remedy)
        self.status = status


class CacheError(FairingError):
    """The cache on disk cannot be read or written."""


class ConfigError(FairingError):
    """A setting is missing or malformed."""


class PipelineError(FairingError):
    """A file or function is not a pipeline that can be compiled or run."""


class StepFailedError(FairingError):
    """A step of a local run failed; `log` is that step's output."""

    def __init__(self, message: str, remedy: str = "", *, log: str = "") -> None:
        super().__init__(message, remedy)
        self.log = log
