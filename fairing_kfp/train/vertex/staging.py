"""The folder of a bucket through which a job's inputs and outputs travel, by Google's own client of Cloud Storage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fairing_kfp.errors import VertexError
from fairing_kfp.runtime.node_files import files_below, is_within
from fairing_kfp.train.vertex.order import VertexOrder
from fairing_kfp.train.vertex.places import Moved
from fairing_kfp.train.vertex.refusal import refusals

_SIDE_BY_SIDE = 8
_ROLE = "the role Storage Object User (roles/storage.objectUser) on the bucket"


class Staging:
    """A folder of a bucket.

    Args:
        order: says which bucket and project.
        folder: the job's own, `gs://bucket/folder`.
        credentials: Google's; those of this machine by default.
    """

    def __init__(self, order: VertexOrder, folder: str, credentials: Any = None) -> None:
        from google.cloud.storage import Client

        self.folder = folder
        name, _, self._prefix = folder.removeprefix("gs://").partition("/")
        self._name = name
        with self._refusals("speaking to Cloud Storage"):
            self._client = Client(project=order.project, credentials=credentials)
        self._bucket = self._client.bucket(name)

    def check(self) -> None:
        """Sees that the bucket is there.

        Raises:
            VertexError: it is not, or may not be read.
        """
        self._names(f"{self._prefix}/", most=1)

    def send(self, things: Iterable[Moved]) -> int:
        """Lays files and folders into the bucket, streamed; gives how many bytes.

        Raises:
            VertexError: Google refuses.
        """
        pairs = []
        for thing in things:
            for path, size in files_below(thing.path):
                pairs.append((path, f"{self._key(thing.uri)}{path[len(thing.path) :]}", size))

        def put(pair: tuple[str, str, int]) -> None:
            with self._refusals(f"laying {pair[0]} into {self.folder}"):
                self._bucket.blob(pair[1]).upload_from_filename(pair[0])

        _each(put, pairs)
        return sum(size for _, _, size in pairs)

    def fetch(self, things: Iterable[Moved]) -> int:
        """Brings files and folders here, streamed; gives how many bytes. What is not there is left out.

        Raises:
            VertexError: Google refuses, or what is there has a name that lies elsewhere.
        """
        pairs = []
        for thing in things:
            key = self._key(thing.uri)
            for name in self._names(key):
                if name != key and not name.startswith(f"{key}/"):
                    continue  # begins alike, as model and model-2 do
                path = f"{thing.path}{name[len(key) :]}"
                if not is_within(path, [thing.path]):
                    raise VertexError(f"{self.folder} holds {name}, which is no output", "run it again")
                pairs.append((name, path))

        def get(pair: tuple[str, str]) -> int:
            name, path = pair
            if name.endswith("/"):  # stands for a folder
                Path(path).mkdir(parents=True, exist_ok=True)
                return 0
            place = Path(path)
            place.parent.mkdir(parents=True, exist_ok=True)
            with self._refusals(f"fetching gs://{self._name}/{name}"):
                self._bucket.blob(name).download_to_filename(path)
            return place.stat().st_size

        return sum(_each(get, pairs))

    def has(self, thing: Moved) -> bool:
        """Whether a file is there.

        Raises:
            VertexError: Google refuses.
        """
        key = self._key(thing.uri)
        return key in self._names(key)

    def delete(self) -> None:
        """Empties the folder; again is harmless.

        Raises:
            VertexError: Google refuses.
        """
        from google.api_core.exceptions import NotFound

        def drop(name: str) -> None:
            with self._refusals(f"deleting gs://{self._name}/{name}"):
                try:
                    self._bucket.blob(name).delete()
                except NotFound:
                    return

        _each(drop, self._names(f"{self._prefix}/"))

    def _names(self, prefix: str, most: int | None = None) -> list[str]:
        with self._refusals(f"listing {self.folder}"):
            return [blob.name for blob in self._client.list_blobs(self._bucket, prefix=prefix, max_results=most)]

    def _key(self, uri: str) -> str:
        return uri.removeprefix(f"gs://{self._name}/")

    def _refusals(self, what: str) -> Any:
        return refusals(what, role=_ROLE, absent=f"make the bucket {self._name}, in the job's region")


def _each(verb: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="fairing-kfp") as pool:
        try:
            return list(pool.map(verb, items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # a step that is told to stop does not begin more
            raise
