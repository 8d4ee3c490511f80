"""Deletes a step's object when the step ends, fails or is stopped.

There are three ways, since none is enough alone: the end of a `with` block; a signal handler that requests the deletion
at once, since a step that is stopped has about a second left; and the owner reference to the step's pod, for a step
that is killed.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType, MappingProxyType

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.kinds import Kind
from fairing_kfp.cluster.objects import delete, find, has_owner
from fairing_kfp.errors import ClusterError

_SIGNAL_SECONDS = 0.8  # that a step may take after SIGTERM


@contextmanager
def deleted_at_end(
    cluster: Cluster,
    kind: Kind,
    name: str,
    namespace: str,
    labels: Mapping[str, str],
    *,
    annotations: Mapping[str, str] = MappingProxyType({}),
    keep: bool = False,
) -> Iterator[None]:
    """Deletes an object when the block ends: normally, by an error, SIGTERM or SIGINT.

    Enter the block before creating the object, so that it is never left behind. An object of another owner is kept.

    Args:
        cluster: client of the cluster.
        kind: kind of the object.
        name: name of the object.
        namespace: namespace of the object.
        labels: labels of its owner.
        annotations: annotations that it has as long as it is this step's.
        keep: whether the object is kept if the block ends without an error.

    Raises:
        ClusterError: the object cannot be deleted. If the block raised an error, that gets a note instead.
    """
    # A signal handler must not wait for a lock that the interrupted code has, so it gets connections of its own.
    separate = cluster.clone(_SIGNAL_SECONDS)
    with on_signal(lambda: delete_owned(separate, kind, name, namespace, labels, annotations)):
        try:
            yield
        except BaseException as error:
            try:
                delete_owned(cluster, kind, name, namespace, labels, annotations)
            except ClusterError as failure:
                _note(error, f"{kind.kind} {name} in the namespace {namespace} is left behind: {failure}")
            raise
        if not keep:
            delete_owned(cluster, kind, name, namespace, labels, annotations)


def delete_owned(
    cluster: Cluster,
    kind: Kind,
    name: str,
    namespace: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str] = MappingProxyType({}),
) -> bool:
    """Deletes an object, if it exists and has the labels of its owner.

    Args:
        cluster: client of the cluster.
        kind: kind of the object.
        name: name of the object.
        namespace: namespace of the object.
        labels: labels of the owner.
        annotations: annotations that the object must have as well; those of another attempt keep it.

    Returns:
        Whether it was deleted.

    Raises:
        ClusterError: the object cannot be read or deleted.
    """
    while (found := find(cluster, kind, name, namespace)) is not None and has_owner(found, labels):
        metadata = found["metadata"]
        if not annotations.items() <= (metadata.get("annotations") or {}).items():
            return False
        # Another attempt may take it over meanwhile, which changes its version.
        version = str(metadata["resourceVersion"]) if annotations else ""
        if delete(cluster, kind, name, namespace, uid=metadata["uid"], version=version) or not version:
            return True
    return False


@contextmanager
def on_signal(action: Callable[[], object]) -> Iterator[None]:
    """Runs an action on SIGTERM or SIGINT, then handles the signal as before. Does nothing in other threads.

    Args:
        action: must not wait for locks that interrupted code may have.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python allows signal handlers in the main thread only
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    # An ignored signal stays ignored, such as SIGINT in a shell's background job.
    before = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            action()
        except ClusterError:
            pass  # the owner reference remains
        finally:
            handler = before[signal.Signals(number)]
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
            signal.raise_signal(number)

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def _note(error: BaseException, text: str) -> None:
    """Adds a note to an error (PEP 678), also in Python 3.10."""
    vars(error)["__notes__"] = [*getattr(error, "__notes__", []), text]
