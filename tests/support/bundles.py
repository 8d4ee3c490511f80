"""Steps of components in this process, and their bundles, unpacked as in an image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.components.code_bundle import CodeBundle
from fairing_kfp.components.declaration import ReusableComponent
from fairing_kfp.components.step import run_step


def step_input(
    component: ReusableComponent, root: Path, values: Mapping[str, Any], **artifacts: Path | None
) -> dict[str, Any]:
    """The executor input of a component's task.

    Args:
        component: the component.
        root: folder of its outputs.
        values: parameters.
        artifacts: paths of input artifacts; None for those that are not given.
    """
    outputs = component.all_outputs
    return {
        "inputs": {
            "parameterValues": dict(values),
            "artifacts": {name: {"artifacts": [{"uri": str(path)}]} for name, path in artifacts.items() if path},
        },
        "outputs": {
            "artifacts": {
                one.name: {"artifacts": [{"uri": str(root / one.name)}]} for one in outputs if one.is_artifact
            },
            "parameters": {one.name: {"outputFile": str(root / one.name)} for one in outputs if not one.is_artifact},
            "outputFile": str(root / "output.json"),
        },
    }


def pack_code(component: ReusableComponent, root: Path, source: Path | None = None, **values: Any) -> CodeBundle:
    """Runs the step of a preprocess component.

    Args:
        component: the component.
        root: folder of its outputs.
        source: path of the input artifact.
        values: parameters.
    """
    run_step(component, step_input(component, root, values, source=source), lambda line: None)
    return CodeBundle.read(root / "bundle")


def unpack_code(bundle: CodeBundle, root: Path) -> Path:
    """Writes the files of a bundle as in an image, and returns the folder for `/opt/fairing`."""
    for file in bundle.image_files():
        path = root / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    return root / "opt" / "fairing"
