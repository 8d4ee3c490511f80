"""Leaving nothing behind: what a step made is deleted when the step ends, however it ends.

There are several nets, as none holds alone: the end of a `with` block; a signal handler that asks for the deletion at
once, as a step that is told to stop has about a second left; and the owner reference to the step's pod, for a step that
is killed.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from fairing_kfp.cluster.apply import delete, find, is_ours
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.kinds import Kind
from fairing_kfp.errors import ClusterError

_LAST_WORDS = 0.8  # seconds that a step which is told to stop may still take


@contextmanager
def deleted_at_end(
    cluster: Cluster, kind: Kind, name: str, namespace: str, mine: Mapping[str, str], *, keep: bool = False
) -> Iterator[None]:
    """Deletes an object when the block is left: by its end, an error, SIGTERM or SIGINT.

    The block is entered before the object is created, so that there is no moment in which it could be left behind; an
    object of that name that is not ours stays.

    Args:
        cluster: where.
        kind: the object's.
        name: likewise.
        namespace: likewise.
        mine: the labels by which ours is known.
        keep: whether it stays when the block ends without an error.

    Raises:
        ClusterError: it cannot be deleted; an error of the block goes first.
    """
    # A handler runs amid anything: connections of its own have no lock that what it interrupts may hold.
    last = cluster.apart(_LAST_WORDS)
    with _on_signal(lambda: delete_ours(last, kind, name, namespace, mine)):
        try:
            yield
        except BaseException as error:
            try:
                delete_ours(cluster, kind, name, namespace, mine)
            except ClusterError as left:
                _note(error, f"{kind.kind} {name} in the namespace {namespace} is left behind: {left}")
            raise
        if not keep:
            delete_ours(cluster, kind, name, namespace, mine)


def delete_ours(cluster: Cluster, kind: Kind, name: str, namespace: str, mine: Mapping[str, str]) -> bool:
    """Deletes an object if it is there and ours; again is harmless.

    Args:
        cluster: where.
        kind: the object's.
        name: likewise.
        namespace: likewise.
        mine: the labels by which ours is known.

    Returns:
        Whether it was.

    Raises:
        ClusterError: Kubernetes refuses.
    """
    found = find(cluster, kind, name, namespace)
    if found is None or not is_ours(found, mine):
        return False
    return delete(cluster, kind, name, namespace, uid=found["metadata"]["uid"])


@contextmanager
def _on_signal(act: Callable[[], object]) -> Iterator[None]:
    """Acts upon SIGTERM or SIGINT, and then lets the signal do what it did before."""
    if threading.current_thread() is not threading.main_thread():
        yield  # where Python allows no handlers
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    # What is ignored, as SIGINT is by what a shell runs in the background, stays so.
    before = {number: earlier for number, earlier in before.items() if earlier != signal.SIG_IGN}

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            act()
        except ClusterError:
            pass  # the other nets hold
        finally:
            earlier = before[signal.Signals(number)]
            signal.signal(number, earlier if earlier is not None else signal.SIG_DFL)
            signal.raise_signal(number)

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier if earlier is not None else signal.SIG_DFL)


def _note(error: BaseException, text: str) -> None:
    """Adds a line to an error (PEP 678), in Python 3.10 as well."""
    vars(error)["__notes__"] = [*getattr(error, "__notes__", []), text]
