"""An output artifact of a step on Kubeflow Pipelines."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ConfigError, FairingError, KfpError
from fairing_kfp.remote.artifact_page import download_from_page
from fairing_kfp.remote.artifact_store import download_from_store

if TYPE_CHECKING:
    from fairing_kfp.remote.connect import Kfp

# Where an artifact is downloaded from, by the scheme of its URI. The pages unpack gzip and tar files in S3, and do not
# give folders in Google Cloud Storage, so that they come second there.
_SOURCES = {
    "minio": (download_from_page, download_from_store),
    "s3": (download_from_store, download_from_page),
    "gs": (download_from_store, download_from_page),
}


@dataclass(frozen=True)
class RunArtifact:
    """An output artifact of a step on Kubeflow Pipelines.

    Attributes:
        step: name of the step.
        name: name of the output.
        type: its type, such as `system.Model`.
        uri: where its content is, such as `minio://mlpipeline/v2/artifacts/…`.
        metadata: its metadata, such as the scalars of metrics; KFP stores booleans as 0 and 1.
    """

    step: str
    name: str
    type: str
    uri: str
    metadata: Mapping[str, Any]
    _store: str = field(repr=False)
    _kfp: Kfp = field(repr=False, compare=False)

    def download(
        self, path: str | os.PathLike[str] | None = None, *, on_bytes: Callable[[int], None] = lambda count: None
    ) -> Path:
        """Downloads its content: from the pages of Kubeflow Pipelines, or from the object store that contains it.

        Args:
            path: if the artifact is a file, the file to write, or an existing folder to write it into under its name;
                if it is a folder, the folder for its files, which is new or empty. By default its name, in the
                current folder.
            on_bytes: called with the number of bytes of each part that arrives.

        Returns:
            The file or folder that was written. A file that exists is replaced.

        Raises:
            KfpError: the content cannot be reached, or does not exist; nothing was written.
            ConfigError: the path cannot be written, or is a folder with files.
        """
        target = Path(path if path is not None else self.name)
        scheme = self.uri.partition("://")[0]
        if scheme not in _SOURCES:
            raise KfpError(
                f"{self._words} is at {self.uri}, which is in no object store that can be read",
                "download it from there; minio://, s3:// and gs:// can be read",
            )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=".fairing-kfp-", dir=target.parent))
        except OSError as error:
            raise ConfigError(f"cannot write {target}: {error.strerror}", "choose another path") from error
        try:
            return self._moved(self._downloaded(folder, scheme, on_bytes), target)
        except OSError as error:
            raise ConfigError(f"cannot write {target}: {error.strerror or error}", "choose another path") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _words(self) -> str:
        return f"the artifact {self.name} of the step {self.step}"

    def _downloaded(self, folder: Path, scheme: str, on_bytes: Callable[[int], None]) -> Path:
        """The content, in a new file or folder."""
        causes = []
        for number, download in enumerate(_SOURCES[scheme]):
            content = folder / str(number)
            try:
                download(self._kfp, self.uri, self._store, content, on_bytes)
            except FairingError as error:
                causes.append(error)
            else:
                return content
        raise KfpError(
            f"cannot download {self._words} ({self.uri}): {'; '.join(cause.message for cause in causes)}",
            "use the address of the pages (the Service ml-pipeline-ui) as --host, or let this machine read the store: "
            "pip install 'fairing-kfp[upload]', and set its credentials, such as AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, and AWS_ENDPOINT_URL if it is not AWS",
        )

    def _moved(self, content: Path, target: Path) -> Path:
        if content.is_dir():
            if target.is_dir() and any(target.iterdir()):
                raise ConfigError(
                    f"{self._words} is a folder, and {target} contains files", "choose a path that does not exist"
                )
            if target.is_dir():
                target.rmdir()
        elif target.is_dir():
            target = target / self.name
        content.replace(target)
        return target
