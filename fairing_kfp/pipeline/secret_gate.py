"""The gate of a pipeline's YAML and of a run's arguments: no credential leaves in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.preprocess.bundle import CLEAN
from fairing_kfp.preprocess.secrets.finding import Finding
from fairing_kfp.preprocess.secrets.gate import judge, marked_lines, refuse

if TYPE_CHECKING:
    from fairing_kfp.pipeline.specification import Specification
    from fairing_kfp.pipeline.trace import TracedPipeline
    from fairing_kfp.preprocess.bundle import Bundle


def check_pipeline(traced: TracedPipeline, allow: Collection[str], bundles: Iterable[Bundle]) -> tuple[Finding, ...]:
    """The gate of the YAML. Returns what is allowed in it.

    Args:
        traced: the pipeline.
        allow: entries of `allow_secrets` of the call and the project.
        bundles: the code of its components; what is allowed in it is allowed in the YAML.

    Raises:
        SecretError: a parameter, argument, description, variable or annotation seems to contain a credential.
    """
    record, fact = f"the YAML of {traced.name}", _digest(traced.specification)
    if CLEAN.get(record, fact):
        return ()
    from fairing_kfp.pipeline.yaml_secrets import find_secrets  # not needed while nothing changes

    entries = [*allow, *(entry for source in traced.sources.values() for entry in source.allow_secrets)]
    values = {finding.value for bundle in bundles for finding in bundle.findings}
    found = judge(find_secrets(traced.specification), entries, marked_lines(traced.files), values)
    refuse(traced.name, found)
    if not found:
        CLEAN.put(record, fact, True)
        CLEAN.save()
    return found


def _digest(specification: Specification) -> str:
    """A digest of what is searched, and of the code that searches it."""
    digest = hashlib.sha256(Path(__file__).with_name("yaml_secrets.py").read_bytes())
    digest.update(json.dumps(_searched([specification.document, specification.platforms])).encode())
    return digest.hexdigest()


def _searched(document: Any) -> Any:
    """A document without its numbers, in which nothing is searched: another default of a number needs no search."""
    if isinstance(document, dict):
        return {name: _searched(value) for name, value in document.items()}
    if isinstance(document, (list, tuple)):
        return [_searched(value) for value in document]
    return document if isinstance(document, str) else None


def check_run(pipeline: str, values: Mapping[str, Any], allow: Collection[str], kind: str = "argument") -> None:
    """The gate of what Kubeflow Pipelines stores and shows beside the YAML, such as the arguments of a run.

    Args:
        pipeline: the pipeline's name.
        values: the values by name.
        allow: entries of `allow_secrets`.
        kind: what the values are, for the message.

    Raises:
        SecretError: one seems to contain a credential.
    """
    from fairing_kfp.preprocess.secrets.scan import scan_document

    found = [one for name, value in values.items() for one in scan_document(f"the {kind} {name!r}", value, name)]
    refuse(pipeline, judge(found, allow))
