"""What each step of a run returned: executions of ML Metadata, by the steps' names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairing_kfp.remote.pod_names import fnv1a

if TYPE_CHECKING:
    from fairing_kfp.remote.metadata import Execution
    from fairing_kfp.remote.step import Step


def executions_by_step(steps: Sequence[Step], executions: Sequence[Execution]) -> dict[str, Execution]:
    """The executions of the steps that have one, by the steps' names.

    An execution belongs to the step of the same node in the Argo workflow. The node of an exit handler's task has
    another path than its execution: what is left is assigned in order.

    Args:
        steps: the steps of a run.
        executions: its executions, in the order in which they were created.
    """
    found: dict[str, Execution] = {}
    left: dict[str, list[Execution]] = defaultdict(list)
    by_node = {(step.task, node): step.name for step in steps for node in step.nodes}
    workflows = {node.rpartition("-")[0] for step in steps for node in step.nodes}
    for one in executions:
        nodes = (f"{workflow}-{fnv1a(f'{workflow}.{one.path}.executor')}" for workflow in workflows)
        name = next((by_node[one.task, node] for node in nodes if (one.task, node) in by_node), None)
        if name is None:
            left[one.task].append(one)
        else:
            found[name] = one
    for step in steps:
        if step.name not in found and step.started and not step.in_driver and left[step.task]:
            found[step.name] = left[step.task].pop(0)
    return {step.name: found[step.name] for step in steps if step.name in found}


def typed_outputs(execution: Execution, document: Mapping[str, Any]) -> dict[str, Any]:
    """The output parameters of an execution, with the types that its component declares.

    Args:
        execution: the execution.
        document: the run's pipeline (PipelineSpec).
    """
    types: dict[str, str] = {}
    for component in _components(document, execution.task):
        declared = component.get("outputDefinitions", {}).get("parameters", {})
        types |= {name: str(one.get("parameterType", "")) for name, one in declared.items()}
    return {name: _typed(value, types.get(name, "")) for name, value in execution.outputs.items()}


def _typed(value: Any, declared: str) -> Any:
    """ML Metadata does not distinguish 1.0 from 1."""
    return float(value) if declared == "NUMBER_DOUBLE" and type(value) is int else value


def _components(document: Mapping[str, Any], task: str) -> Iterator[Mapping[str, Any]]:
    """The components of the tasks of a name, in the pipeline and in those nested in it."""
    components = document.get("components", {})
    for one in (document.get("root", {}), *components.values()):
        found = one.get("dag", {}).get("tasks", {}).get(task)
        if found:
            yield components.get(found.get("componentRef", {}).get("name"), {})
