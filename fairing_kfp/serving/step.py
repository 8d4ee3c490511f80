"""The serve step: publishes the image with the model, rolls it out, and sends the sample request."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.serving.backend import Backend, backend, content_of, resource
from fairing_kfp.serving.image import model_image
from fairing_kfp.serving.model import Model, input_artifact
from fairing_kfp.serving.outputs import write_outputs
from fairing_kfp.serving.pod import ServingPod
from fairing_kfp.serving.registry_entry import RegistryEntry
from fairing_kfp.serving.result import ServeResult
from fairing_kfp.serving.rollout import Rollout
from fairing_kfp.serving.sample import Exchange, send_sample
from fairing_kfp.serving.spec import ServingSpec
from fairing_kfp.serving.storage import storage_uri

SendSample = Callable[[str, str, Any], Exchange]
"""Sends a sample request; see `fairing_kfp.serving.sample.send_sample`."""


def serve(
    spec: ServingSpec,
    executor_input: Mapping[str, Any],
    cluster: Cluster,
    *,
    log: Callable[[str], None],
    send_sample: SendSample = send_sample,
) -> ServeResult:
    """Serves a model, waits until its new version is ready, and writes the step's outputs.

    Args:
        spec: what to serve.
        executor_input: KFP's ExecutorInput, with the model.
        cluster: the cluster to serve it in.
        log: called with each line for the step's log.
        send_sample: sends the sample request.

    Raises:
        ModelRegistryError: the new version serves, but cannot be registered; or the registry does not answer or has
            the version with another URI, and it is not rolled out.
        FairingError: the model cannot be served. The previous version keeps serving.
    """
    clock = _Clock()
    chosen = backend(spec.target)
    chosen.check(cluster, spec)
    rollout = Rollout(cluster, chosen, spec.name, spec.load_within, log)  # first, as it fails early
    pod, uri = _pod(spec, executor_input, log)
    clock.lap("image")
    entry = RegistryEntry.of_step(spec, executor_input, image=pod.image, uri=pod.storage, namespace=cluster.namespace)
    if entry:
        entry.check()
    exchanges: list[Exchange] = []

    def confirm(state: Object) -> None:
        clock.lap("rollout")
        if spec.sample is not None:
            exchanges.append(send_sample(chosen.newest_endpoint(state), spec.name, spec.sample))
            log(f"response to the sample request: {exchanges[0].response[:200]}")

    rolled_out = rollout.apply(chosen.manifests(pod, rollout.previous), confirm)
    log(f"{resource(spec)} in the namespace {cluster.namespace} is {'ready' if rolled_out.changed else 'unchanged'}")
    endpoint = chosen.endpoint(rolled_out.state)
    registered = entry.write(spec.name, endpoint, log) if entry else None
    result = ServeResult(
        spec=spec,
        namespace=cluster.namespace,
        endpoint=endpoint,
        external_urls=chosen.external_urls(cluster, rolled_out.state, spec),
        image=pod.image,
        new_endpoint=chosen.newest_endpoint(rolled_out.state),
        share=chosen.share(rolled_out.state),
        previous=_content_before(chosen, rolled_out.previous),
        changed=rolled_out.changed,
        model=uri,
        size=pod.size,
        registered=registered,
        exchange=exchanges[0] if exchanges else None,
        seconds=clock.laps,
    )
    write_outputs(result, executor_input.get("outputs", {}))
    return result


def _pod(spec: ServingSpec, executor_input: Mapping[str, Any], log: Callable[[str], None]) -> tuple[ServingPod, str]:
    """The pods' content, its image published, and the URI of the model."""
    artifact = input_artifact(executor_input)
    if spec.model_format:
        given = executor_input.get("inputs", {}).get("parameterValues", {}).get("storage")
        uri = storage_uri(given or spec.storage or (artifact[1] if artifact else ""))
        return ServingPod(spec, storage=uri), uri
    with model_image(spec) as image:
        if artifact is None:
            return ServingPod(spec, image.resolve()), ""
        model = Model.of_artifact(*artifact)
        reference = image.publish(model)
    log(f"published {reference} with the model ({model.size:,} bytes)")
    return ServingPod(spec, reference, model.size), model.uri


def _content_before(chosen: Backend, previous: Object | None) -> str:
    """What was served before; without its canary, if it had one."""
    return content_of(chosen.template(chosen.without_canary(previous) or previous)) if previous else ""


class _Clock:
    """Measures the step's phases."""

    def __init__(self) -> None:
        self.laps: list[tuple[str, float]] = []
        self._since = time.monotonic()

    def lap(self, phase: str) -> None:
        now = time.monotonic()
        self.laps.append((phase, now - self._since))
        self._since = now
