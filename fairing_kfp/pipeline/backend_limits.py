"""Warnings of what KFP compiles, and its backend, 2.15 to 2.17, fails at or runs otherwise than it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fairing_kfp.pipeline.specification import Specification

_PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}")
_OF_RUN = re.compile(r"\{\{\$\.pipeline_(?:job|task)_\w+\}\}")
_JSON = {"LIST": "a list", "STRUCT": "a dictionary"}
_SCALARS = {"NUMBER_INTEGER": "a number", "NUMBER_DOUBLE": "a number", "BOOLEAN": "a boolean"}


def backend_warnings(specification: Specification) -> list[str]:
    """What of a pipeline KFP's backend does not run as written, a sentence each."""
    found: list[str] = []
    root = specification.document["root"]
    for component in (root, *specification.components.values()):
        if "dag" in component:
            found += _of_outputs(specification, component)
            for name, task in component["dag"]["tasks"].items():
                found += _of_task(specification, component, name, task)
    return list(dict.fromkeys(found))


def _of_task(specification: Specification, dag: Mapping[str, Any], name: str, task: Mapping[str, Any]) -> Iterator[str]:
    if "artifactIterator" in task:
        yield f"{name} loops over artifacts, which KFP's driver does not implement; loop over a list of parameters"
    if task.get("cachingOptions", {}).get("cacheKey"):
        yield (
            f"{name} has a cache_key: KFP reuses its outputs whatever its image and inputs are "
            "(kubeflow/pipelines#11328); change the key with them"
        )
    target = specification.components[task["componentRef"]["name"]]
    yield from _of_importer(name, task, specification.executors.get(target.get("executorLabel", ""), {}))
    if "dag" in target:
        yield from _of_artifacts(name, task, target)
    definitions = target.get("inputDefinitions", {}).get("parameters", {})
    for key, source in task.get("inputs", {}).get("parameters", {}).items():
        item = source.get("componentInputParameter", "")
        kind = definitions.get(key, {}).get("parameterType", "STRING")
        is_text = dag.get("inputDefinitions", {}).get("parameters", {}).get(item, {}).get("parameterType") == "STRING"
        if "-loop-item" in item and is_text and kind != "STRING" and "parameterExpressionSelector" not in source:
            yield (
                f"{name} gets the item of a loop for {key} as text, which KFP's driver rejects (type mismatch): "
                "a condition or another input takes it, too. Convert it in a step of its own"
            )
        yield from _of_text(specification, dag, name, task, key, source.get("runtimeValue", {}).get("constant"))


def _of_importer(name: str, task: Mapping[str, Any], executor: Mapping[str, Any]) -> Iterator[str]:
    importer = executor.get("importer", {})
    source = importer.get("artifactUri", {}).get("runtimeParameter", "")
    if "taskOutputParameter" in task.get("inputs", {}).get("parameters", {}).get(source, {}):
        yield (
            f"{name} imports an artifact whose URI is the output of a step: KFP's importer takes it from inputs of the "
            "pipeline only; pass it as a parameter of a nested pipeline"
        )
    if any(_PLACEHOLDER.search(text) for text in _texts(importer.get("metadata", {}))):
        yield f"{name} has parameters in its metadata, which KFP's importer does not fill; set it in a step"


def _of_artifacts(name: str, task: Mapping[str, Any], target: Mapping[str, Any]) -> Iterator[str]:
    """Warnings of artifacts that are passed to a nested pipeline, branch or loop."""
    definitions = target.get("inputDefinitions", {}).get("artifacts", {})
    given = task.get("inputs", {}).get("artifacts", {})
    for key in sorted(key for key in given if definitions.get(key, {}).get("isArtifactList")):
        yield (
            f"{name} gets a list of artifacts, {key.removeprefix('pipelinechannel--')}, of which KFP's driver passes "
            "on the last only; use the list outside of nested pipelines, branches and loops"
        )
    sources = [repr(sorted(source.items())) for source in given.values()]
    if len(set(sources)) < len(sources):
        yield f"{name} gets one artifact as several inputs, of which KFP's driver passes on one only; pass it once"


def _of_text(
    specification: Specification, dag: Mapping[str, Any], name: str, task: Mapping[str, Any], key: str, value: Any
) -> Iterator[str]:
    """Warnings of a constant with other parameters in its text."""
    target = specification.components[task["componentRef"]["name"]]
    for text in _texts(value):
        if (found := _OF_RUN.search(text)) and value != found[0]:
            yield (
                f"{name} gets {found[0]} within {key}, which KFP's driver replaces only if it is the whole value; pass "
                "it as a parameter of its own"
            )
        for inner in _PLACEHOLDER.findall(text):
            kind = _type(specification, dag, task["inputs"]["parameters"].get(inner, {}))
            shown = inner.removeprefix("pipelinechannel--")
            if "dag" in target:
                yield (
                    f"{name} is a pipeline that gets {shown} within {key}: KFP does not fill text that is passed to a "
                    "nested pipeline; join the text in a step"
                )
            elif kind in _JSON:
                yield (
                    f"{name} gets {_JSON[kind]}, {shown}, within the text or dictionary {key}: KFP inserts its quotes "
                    "unescaped, and the step fails; pass it as a parameter of its own"
                )
            elif kind in _SCALARS and not isinstance(value, str) and text == f"{{{{$.inputs.parameters['{inner}']}}}}":
                yield (
                    f"{name} gets {_SCALARS[kind]}, {shown}, within {key} as text: KFP does not keep its type there; "
                    "convert it in the step, or pass it as a parameter of its own"
                )


def _of_outputs(specification: Specification, dag: Mapping[str, Any]) -> Iterator[str]:
    """Warnings of `dsl.OneOf`."""
    outputs = dag["dag"].get("outputs", {})
    choices = [
        one["valueFromOneof"]["parameterSelectors"]
        for one in outputs.get("parameters", {}).values()
        if "valueFromOneof" in one
    ]
    choices += [
        one["artifactSelectors"] for one in outputs.get("artifacts", {}).values() if len(one["artifactSelectors"]) > 1
    ]
    for selectors in choices:
        cached = sorted(filter(None, (_cached(specification, dag, selector) for selector in selectors)))
        if cached:
            yield (
                f"dsl.OneOf fails if KFP reuses the outputs of {' or '.join(cached)} (No successful task found): call "
                ".set_caching_options(False) on each"
            )


def _cached(specification: Specification, dag: Mapping[str, Any], selector: Mapping[str, str]) -> str:
    """The task that a branch takes its output from, if KFP may reuse its outputs."""
    name = selector["producerSubtask"]
    task = dag["dag"]["tasks"][name]
    component = specification.components[task["componentRef"]["name"]]
    if "dag" not in component:
        return name if task.get("cachingOptions", {}).get("enableCache") else ""
    outputs = component["dag"].get("outputs", {})
    key = selector.get("outputParameterKey") or selector["outputArtifactKey"]
    one = outputs.get("parameters", {}).get(key) or outputs.get("artifacts", {}).get(key) or {}
    inner = one.get("valueFromParameter") or next(iter(one.get("artifactSelectors", ())), None)
    return _cached(specification, component, inner) if inner else ""


def _type(specification: Specification, dag: Mapping[str, Any], source: Mapping[str, Any]) -> str:
    """The type of an input of a task."""
    if "parameterExpressionSelector" in source:
        return ""
    if name := source.get("componentInputParameter"):
        return str(dag.get("inputDefinitions", {}).get("parameters", {}).get(name, {}).get("parameterType", ""))
    if output := source.get("taskOutputParameter"):
        producer = specification.components[dag["dag"]["tasks"][output["producerTask"]]["componentRef"]["name"]]
        return str(producer["outputDefinitions"]["parameters"][output["outputParameterKey"]]["parameterType"])
    return ""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
