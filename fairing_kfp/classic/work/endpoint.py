"""A served model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairing_kfp.serving.client.endpoint import Endpoint


class EndpointHandle:
    """A served model. `str()` gives its URL, as Fairing returned it.

    Args:
        url: its URL within the cluster, or on this machine.
        connect: opens a client that reaches it from this machine.
        delete: deletes it.
        external_urls: its URLs from outside the cluster, as far as they are known.

    Attributes:
        url: its URL within the cluster, or on this machine.
        external_urls: its URLs from outside the cluster, as far as they are known.
    """

    def __init__(
        self,
        url: str,
        connect: Callable[[], AbstractContextManager[Endpoint]],
        delete: Callable[[], None],
        external_urls: tuple[str, ...] = (),
    ) -> None:
        self.url = url
        self.external_urls = external_urls
        self._connect, self._delete = connect, delete

    def __str__(self) -> str:
        """The URL."""
        return self.url

    def __repr__(self) -> str:
        """The URL."""
        return f"EndpointHandle({self.url!r})"

    def client(self) -> AbstractContextManager[Endpoint]:
        """A client that reaches the model from this machine: `with endpoint.client() as client: client.predict(x)`.

        Raises:
            ClusterError: no pod serves the model, or its port cannot be forwarded.
        """
        return self._connect()

    def predict(self, instances: Any) -> Any:
        """The predictions, as an array for arrays; see `fairing_kfp.Endpoint.predict`.

        Raises:
            EndpointError: the model answers with an error, or not at all.
        """
        with self.client() as client:
            return client.predict(instances)

    def predict_seldon(self, data: Any, feature_names: Any = None) -> Mapping[str, Any]:
        """The predictions in Seldon's form, which Fairing's endpoints answered with.

        Args:
            data: a numpy array whose first dimension is the instances.
            feature_names: names of the columns.

        Returns:
            `{"data": {"names": […], "tensor": {"shape": […], "values": […]}}, "meta": {}}`; `ndarray` instead of
            `tensor` if the predictions are not numbers.

        Raises:
            EndpointError: the model answers with an error, or not at all.
        """
        import numpy

        rows = data.tolist()
        if feature_names is not None:
            rows = [dict(zip(map(str, feature_names), row, strict=True)) for row in rows]
        with self.client() as client:
            answer = client.predict({"instances": rows})
        try:
            found = numpy.asarray(answer)
        except ValueError:  # rows of different lengths
            found = numpy.asarray(None)
        if found.dtype.kind not in "biuf":
            return {"data": {"names": [], "ndarray": answer}, "meta": {}}
        tensor = {"shape": list(found.shape), "values": found.flatten().tolist()}
        return {"data": {"names": [], "tensor": tensor}, "meta": {}}

    def delete(self) -> None:
        """Deletes the model's objects, or stops its server.

        Raises:
            ClusterError: Kubernetes answers with an error.
        """
        self._delete()
