"""The folder of a bucket for a job's inputs and outputs, with Google's client for Cloud Storage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fairing_kfp.errors import VertexError
from fairing_kfp.runtime.node_files import files_below, is_within
from fairing_kfp.train.vertex.errors import vertex_errors
from fairing_kfp.train.vertex.paths import StagedPath
from fairing_kfp.train.vertex.spec import VertexJobSpec

_WORKERS = 8
_ROLE = "the role Storage Object User (roles/storage.objectUser) on the bucket"


class Staging:
    """A folder of a bucket.

    Args:
        spec: spec with the project.
        folder: folder of the job, `gs://bucket/folder`.
        credentials: Google credentials; application default credentials if None.
    """

    def __init__(self, spec: VertexJobSpec, folder: str, credentials: Any = None) -> None:
        from google.cloud.storage import Client

        self.folder = folder
        name, _, self._prefix = folder.removeprefix("gs://").partition("/")
        self._name = name
        with self._errors("connect to Cloud Storage"):
            self._client = Client(project=spec.project, credentials=credentials)
        self._bucket = self._client.bucket(name)

    def check(self) -> None:
        """Checks that the bucket exists and can be read.

        Raises:
            VertexError: the bucket does not exist, or cannot be read.
        """
        self._names(f"{self._prefix}/", most=1)

    def upload(self, items: Iterable[StagedPath]) -> int:
        """Uploads files and folders as streams, and returns the number of bytes.

        Raises:
            VertexError: Google Cloud rejects a request, or does not answer.
        """
        pairs = []
        for item in items:
            for path, size in files_below(item.path):
                pairs.append((path, f"{self._key(item.uri)}{path[len(item.path) :]}", size))

        def put(pair: tuple[str, str, int]) -> None:
            with self._errors(f"upload {pair[0]} to {self.folder}"):
                self._bucket.blob(pair[1]).upload_from_filename(pair[0])

        _parallel(put, pairs)
        return sum(size for _, _, size in pairs)

    def download(self, items: Iterable[StagedPath]) -> int:
        """Downloads files and folders as streams, and returns the number of bytes. Missing ones are skipped.

        Raises:
            VertexError: Google Cloud rejects a request or does not answer, or the name of an object leaves its folder.
        """
        pairs = []
        for item in items:
            key = self._key(item.uri)
            for name in self._names(key):
                if name != key and not name.startswith(f"{key}/"):
                    continue  # has the same prefix, such as model-2 for model
                path = f"{item.path}{name[len(key) :]}"
                if not is_within(path, [item.path]):
                    raise VertexError(
                        f"{self.folder} contains {name}, which is not an output of this step", "run the pipeline again"
                    )
                pairs.append((name, path))

        def get(pair: tuple[str, str]) -> int:
            name, path = pair
            if name.endswith("/"):  # a folder
                Path(path).mkdir(parents=True, exist_ok=True)
                return 0
            target = Path(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._errors(f"download gs://{self._name}/{name}"):
                self._bucket.blob(name).download_to_filename(path)
            return target.stat().st_size

        return sum(_parallel(get, pairs))

    def has(self, item: StagedPath) -> bool:
        """Whether a file exists in the bucket.

        Raises:
            VertexError: Google Cloud rejects the request, or does not answer.
        """
        key = self._key(item.uri)
        return key in self._names(key)

    def delete(self) -> None:
        """Deletes the folder, if it exists.

        Raises:
            VertexError: Google Cloud rejects a request, or does not answer.
        """
        from google.api_core.exceptions import NotFound

        def drop(name: str) -> None:
            with self._errors(f"delete gs://{self._name}/{name}"):
                try:
                    self._bucket.blob(name).delete()
                except NotFound:
                    return

        _parallel(drop, self._names(f"{self._prefix}/"))

    def _names(self, prefix: str, most: int | None = None) -> list[str]:
        with self._errors(f"list {self.folder}"):
            return [blob.name for blob in self._client.list_blobs(self._bucket, prefix=prefix, max_results=most)]

    def _key(self, uri: str) -> str:
        return uri.removeprefix(f"gs://{self._name}/")

    def _errors(self, action: str) -> Any:
        return vertex_errors(action, role=_ROLE, absent=f"create the bucket {self._name} in the job's region")


def _parallel(act: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="fairing-kfp") as pool:
        try:
            return list(pool.map(act, items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # a step that is terminated starts no further transfers
            raise
