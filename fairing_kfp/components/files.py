"""The files of a component, generated from its declaration.

`components/` in the repository contains them with the placeholder of our own image, which `fairing-kfp compile`
replaces; `fairing-kfp components publish` writes copies with its digest.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.atomic_file import write_atomic
from fairing_kfp.components.component_file import component_file
from fairing_kfp.components.declaration import COMMAND, Input, Output, ReusableComponent
from fairing_kfp.components.kinds import ARTIFACTS, PARAMETERS
from fairing_kfp.components.readme import readme
from fairing_kfp.components.table import COMPONENTS

_VERIFIED = "2026-11-29T00:00:00Z"
_EXAMPLE_HEAD = '''\
"""An example of the component {name}."""

from pathlib import Path

from kfp import {imports}
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


'''


def component_files(component: ReusableComponent, image: str = "") -> dict[str, str]:
    """The files of a component, by their names in its folder.

    The format before KFP 2 has no TaskConfig, so there is no `classic.yaml` of components that read it.

    Args:
        component: the declaration.
        image: the image that its step runs in; its placeholder by default.
    """
    image = image or component.image
    return {
        "README.md": readme(component),
        **({} if component.task_settings else {"classic.yaml": _yaml(_classic(component, image))}),
        "component.py": component_file(component, image),
        "component.yaml": _compiled(component).replace(component.image, image),
        "example_pipeline.py": _example(component),
        "metadata.yaml": _yaml(_metadata(component)),
    }


def write_components(folder: str | os.PathLike[str], image: str = "") -> list[Path]:
    """Writes the files of all components.

    Args:
        folder: the folder for the folders of the categories.
        image: the image that their steps run in; their placeholders by default.

    Returns:
        The folders of the components.
    """
    made = []
    for component in COMPONENTS.values():
        target = Path(folder, component.folder)
        target.mkdir(parents=True, exist_ok=True)
        for name, text in component_files(component, image).items():
            write_atomic(target / name, text)
        made.append(target)
    return made


def _compiled(component: ReusableComponent) -> str:
    """The component as kfp's compiler writes it."""
    from kfp import compiler

    from fairing_kfp.components.kfp_component import kfp_component

    with tempfile.TemporaryDirectory(prefix="fairing-component-") as scratch:
        path = Path(scratch, "component.yaml")
        compiler.Compiler().compile(kfp_component(component), str(path))
        return path.read_text(encoding="utf-8")


def _classic(component: ReusableComponent, image: str) -> dict[str, Any]:
    """The component in the format before KFP 2, which Elyra reads."""
    return {
        "name": component.name,
        "description": component.description,
        "inputs": [_classic_input(one) for one in component.inputs],
        "outputs": [_classic_output(one) for one in component.all_outputs],
        "implementation": {
            "container": {
                "image": image,
                "command": list(COMMAND),
                "args": [component.name, "--executor_input", {"executorInput": None}],
            }
        },
    }


def _classic_input(one: Input) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": one.name, "type": _classic_type(one), "description": one.description}
    if not one.is_required:
        entry["optional"] = True
    if one.default is not None:
        entry["default"] = one.default if one.kind == "str" else json.dumps(one.default)
    return entry


def _classic_output(one: Output) -> dict[str, Any]:
    return {"name": one.name, "type": _classic_type(one), "description": one.description}


def _classic_type(one: Input | Output) -> str:
    return ARTIFACTS[one.kind] if one.is_artifact else PARAMETERS[one.kind].classic


def _metadata(component: ReusableComponent) -> dict[str, Any]:
    return {
        "name": component.identifier,
        "stability": "alpha",
        "dependencies": {
            "kubeflow": [{"name": "Pipelines", "version": ">=2.17"}],
            "external_services": [_service(need) for need in component.needs],
        },
        "tags": list(component.tags),
        "lastVerified": _VERIFIED,
    }


def _service(need: str) -> dict[str, str]:
    """A service that a component needs: its name, and its least version if one is named."""
    name, _, version = need.partition(" >= ")
    return {"name": name, "version": f">={version or '2.0'}"}


def _example(component: ReusableComponent) -> str:
    imports = "dsl, kubernetes" if "kubernetes." in component.example else "dsl"
    return _EXAMPLE_HEAD.format(name=component.identifier, imports=imports) + component.example


def _yaml(document: Mapping[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(document, sort_keys=False, width=120, allow_unicode=True)
    return text
