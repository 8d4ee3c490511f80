"""The serve step itself: puts the model into the predictor's image, brings that to serve, and asks it once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.serving.append import registries
from fairing_kfp.serving.model import Model, artifact
from fairing_kfp.serving.order import Order
from fairing_kfp.serving.outcome import Outcome
from fairing_kfp.serving.rollout import Rollout
from fairing_kfp.serving.sample import Exchange, ask
from fairing_kfp.serving.served import Served
from fairing_kfp.serving.storage import storage_uri
from fairing_kfp.serving.target import target

Ask = Callable[[str, str, Any], Exchange]
"""Sends a sample request; see `fairing_kfp.serving.sample.ask`."""


def serve(
    order: Order, executor_input: Mapping[str, Any], cluster: Cluster, *, say: Callable[[str], None], ask: Ask = ask
) -> Outcome:
    """Serves a model; returns when its new version answers, with the outputs where KFP wants them.

    Args:
        order: what is to be served.
        executor_input: KFP's, with the model lying where it says.
        cluster: where.
        say: takes a sentence for the step's log.
        ask: sends the sample request.

    Raises:
        FairingError: it cannot be served. Then the version before serves on.
    """
    clock = _Clock()
    found = target(order.target)
    rollout = Rollout(cluster, found, order.name, order.load_within, say)  # what is not installed shows at once
    served, uri = _served(order, executor_input, say)
    clock.done("image")
    exchanges: list[Exchange] = []

    def confirm(state: Object) -> None:
        clock.done("rollout")
        if order.sample is not None:
            exchanges.append(ask(found.endpoint(state), order.name, order.sample))
            say(f"the sample request is answered with {exchanges[0].answer[:200]}")

    rolled = rollout.to(found.manifests(served, rollout.before), confirm)
    say(f"{order.shown} in the namespace {cluster.namespace} " + ("serves" if rolled.changed else "serves as before"))
    before = _image(found.template(rolled.before)) if rolled.before else ""
    outcome = Outcome(
        order=order,
        namespace=cluster.namespace,
        endpoint=found.endpoint(rolled.state),
        outside=found.outside(cluster, rolled.state, order),
        image=served.image,
        before=before,
        changed=rolled.changed,
        model=uri,
        size=served.size,
        exchange=exchanges[0] if exchanges else None,
        seconds=clock.times,
    )
    outcome.write(executor_input.get("outputs", {}))
    return outcome


def _served(order: Order, executor_input: Mapping[str, Any], say: Callable[[str], None]) -> tuple[Served, str]:
    """What is to be served, its image published, and the URI of its model."""
    given = artifact(executor_input)
    if order.model_format:
        uri = storage_uri(order.storage or (given[1] if given else ""))
        return Served(order, storage=uri), uri
    with registries(order) as reached:
        if given is None:
            return Served(order, reached.resolved()), ""
        model = Model.of_artifact(*given)
        image = reached.with_model(model)
    say(f"the image with the model ({model.size:,} bytes) is {image}")
    return Served(order, image, model.size), model.uri


def _image(template: Object) -> str:
    containers = template["spec"].get("containers") or [{}]
    return str(containers[0].get("image") or "")


class _Clock:
    """How long each part took."""

    def __init__(self) -> None:
        self.times: list[tuple[str, float]] = []
        self._since = time.monotonic()

    def done(self, part: str) -> None:
        now = time.monotonic()
        self.times.append((part, now - self._since))
        self._since = now
