"""Loop items and their fields in text.

For a text such as `f"{item.size}"`, kfp passes the field to the loop as an input of the enclosing DAG, or as an output
of a task there, which do not exist; or not at all, if a step takes the same field directly. KFP's driver then fails
("parent DAG does not have input parameter"), or the text lacks the field. So it is with items of constant lists.
"""

from __future__ import annotations

import json
from typing import Any

from fairing_kfp.pipeline.specification import Specification

_FIELD = "-subvar-"


def select_loop_fields(specification: Specification) -> None:
    """Lets tasks in loops take such items, and select such fields, from the loop."""
    _repair(specification.components, specification.document["root"])


def _repair(components: Any, dag: Any) -> None:
    """Mends the inputs of a DAG's tasks, the innermost DAG first."""
    for task in dag["dag"]["tasks"].values():
        target = components[task["componentRef"]["name"]]
        if "dag" not in target:
            continue
        item = task.get("parameterIterator", {}).get("itemInput", "")
        items = task.get("parameterIterator", {}).get("items", {}).get("inputParameter")
        given = task.setdefault("inputs", {}).setdefault("parameters", {})
        definitions = target.setdefault("inputDefinitions", {}).setdefault("parameters", {})
        if item:
            for name in [name for name in given if name == item or name.startswith(item + _FIELD)]:
                del given[name]
            for name in [name for name in definitions if name.startswith(item + _FIELD)]:
                del definitions[name]
        _repair(components, target)
        for name in sorted(_referred(target) - set(definitions)):
            if item and name.startswith(item + _FIELD):
                _select(target, item, name)
            else:
                definitions[name] = {"parameterType": "STRING"}
                given[name] = {"componentInputParameter": name}
        condition = task.get("triggerPolicy", {}).get("condition", "")
        for name in set(given) - _referred(target) - {items}:
            if f"'{name}'" not in condition and not _exists(components, dag, given[name]):
                del given[name]
                definitions.pop(name, None)
        for holder, key, group in ((task, "inputs", given), (target, "inputDefinitions", definitions)):
            if not group:
                del holder[key]["parameters"]
            if not holder[key]:
                del holder[key]


def _referred(dag: Any) -> set[str]:
    """The inputs of a DAG that its tasks refer to."""
    tasks = dag["dag"]["tasks"].values()
    sources = [source for task in tasks for source in task.get("inputs", {}).get("parameters", {}).values()]
    return {source["componentInputParameter"] for source in sources if "componentInputParameter" in source}


def _exists(components: Any, dag: Any, source: Any) -> bool:
    """Whether a DAG has what an input of one of its tasks comes from."""
    if "componentInputParameter" in source:
        return source["componentInputParameter"] in dag.get("inputDefinitions", {}).get("parameters", {})
    if "taskOutputParameter" not in source:
        return True
    output = source["taskOutputParameter"]
    producer = components[dag["dag"]["tasks"][output["producerTask"]]["componentRef"]["name"]]
    return output["outputParameterKey"] in producer.get("outputDefinitions", {}).get("parameters", {})


def _select(loop: Any, item: str, name: str) -> None:
    """Lets the tasks of a loop that refer to a field of its item select it."""
    field = json.dumps(name.removeprefix(f"{item}{_FIELD}"))
    for task in loop["dag"]["tasks"].values():
        given = task.get("inputs", {}).get("parameters", {})
        for key, source in given.items():
            if source.get("componentInputParameter") == name:
                selector = f"parseJson(string_value)[{field}]"
                given[key] = {"componentInputParameter": item, "parameterExpressionSelector": selector}
