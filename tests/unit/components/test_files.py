"""The contract of all reusable components, and their files as they are checked in; `make golden` writes them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler
from kfp.components import load_component_from_file

import fairing_kfp.components
from fairing_kfp.components.declaration import ReusableComponent
from fairing_kfp.components.files import component_files, write_components
from fairing_kfp.components.table import COMPONENTS
from fairing_kfp.preprocess.source import OWN_IMAGE
from tests.support.component_stub import stub_of
from tests.support.paths import TOP

_FOLDER = TOP / "components"
_SECTIONS = ("Overview", "Inputs", "Outputs", "Usage", "Metadata")
_ALL = pytest.mark.parametrize("component", COMPONENTS.values(), ids=COMPONENTS)

# Without this package: neither its checkout nor an editable install is found. Arguments: a folder for the results, and
# the folders of the components. It prints the traceback of each component that failed, by its folder.
_WITHOUT_PACKAGE = """
import importlib.util, json, pathlib, sys, traceback

class Hidden:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "fairing_kfp":
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Hidden())
import functools, yaml
if yaml.__with_libyaml__:  # ten times as fast
    yaml.SafeLoader = yaml.CSafeLoader
    yaml.dump = functools.partial(yaml.dump, Dumper=yaml.CDumper)
from kfp import compiler
from kfp.components import load_component_from_file, load_component_from_text

def try_file(path, results):
    if path.suffix == ".py":
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        made = module.example if path.stem == "example_pipeline" else getattr(module, path.parent.name)
        compiler.Compiler().compile(made, f"{results}/{path.stem}.yaml")
    else:
        assert load_component_from_file(str(path)).name == load_component_from_text(path.read_text()).name
        compiler.Compiler().compile(load_component_from_file(str(path)), f"{results}/{path.stem}-loaded.yaml")

failed = {}
for folder in map(pathlib.Path, sys.argv[2:]):
    results = pathlib.Path(sys.argv[1], folder.name)
    results.mkdir()
    try:
        for name in ("component.yaml", "classic.yaml", "component.py", "example_pipeline.py"):
            if (folder / name).exists():
                try_file(folder / name, results)
    except Exception:
        failed[folder.name] = traceback.format_exc()
print(json.dumps(failed))
"""


@pytest.fixture(scope="module")
def without_package(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """What all components compile to without this package, in a folder for each; and tracebacks."""
    results = tmp_path_factory.mktemp("without-package")
    folders = [str(_FOLDER / component.folder) for component in COMPONENTS.values()]
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_PACKAGE, str(results), *folders],
        cwd=results,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return results, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(autouse=True)
def libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads YAML by libyaml, which is ten times as fast, here and in KFP."""
    monkeypatch.setattr(yaml, "SafeLoader", getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@_ALL
def test_the_files_are_the_golden_ones(component: ReusableComponent) -> None:
    folder = _FOLDER / component.folder
    made = component_files(component)
    if os.environ.get("WRITE_GOLDEN"):
        write_components(_FOLDER)

    assert {path.name for path in folder.iterdir() if path.is_file()} == set(made)
    for name, text in made.items():
        assert _masked(text) == _masked((folder / name).read_text(encoding="utf-8")), name


def test_every_folder_is_of_a_component() -> None:
    assert {path.parent.relative_to(_FOLDER).as_posix() for path in _FOLDER.rglob("metadata.yaml")} == {
        component.folder for component in COMPONENTS.values()
    }


@_ALL
def test_names_are_short_and_everything_is_described(component: ReusableComponent) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,23}", component.name)
    for one in (component, *component.inputs, *component.all_outputs):
        assert one.description.endswith("."), one.name
    required = [one.is_required for one in component.inputs]
    assert required == sorted(required, reverse=True)


@_ALL
def test_it_works_without_this_package(
    component: ReusableComponent, without_package: tuple[Path, dict[str, str]]
) -> None:
    folder = _FOLDER / component.folder
    results = without_package[0] / folder.name

    assert without_package[1].get(folder.name) is None, without_package[1][folder.name]
    interface = _interface(folder / "component.yaml")
    assert _interface(results / "component-loaded.yaml") == interface
    assert _interface(results / "component.yaml") == interface  # of component.py
    if component.task_settings:
        assert not (folder / "classic.yaml").exists()  # that format has no TaskConfig
        return
    # The classic format has no optional artifacts by default value, and no descriptions.
    assert _names(_interface(results / "classic-loaded.yaml")) == _names(interface)
    assert (
        _read(results / "classic-loaded.yaml")["deploymentSpec"] == _read(folder / "component.yaml")["deploymentSpec"]
    )


@_ALL
def test_readme_and_metadata_are_complete(component: ReusableComponent) -> None:
    folder = _FOLDER / component.folder
    readme = (folder / "README.md").read_text()
    metadata = _read(folder / "metadata.yaml")

    assert tuple(re.findall(r"^## (.*)$", readme, re.MULTILINE)) == _SECTIONS
    for one in (*component.inputs, *component.all_outputs):
        assert f"| `{one.name}` |" in readme
    assert metadata["name"] == folder.name
    assert metadata["tags"]
    assert set(metadata) == {"name", "stability", "dependencies", "tags", "lastVerified"}


@_ALL
def test_it_is_imported_by_name(component: ReusableComponent, tmp_path: Path) -> None:
    made: Any = getattr(fairing_kfp.components, component.identifier)
    compiler.Compiler().compile(made, str(tmp_path / "made.yaml"))

    assert component.identifier in dir(fairing_kfp.components)
    assert _interface(tmp_path / "made.yaml") == _interface(_FOLDER / component.folder / "component.yaml")


def test_an_unknown_component_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'append-image'"):
        getattr(fairing_kfp.components, "append-image")


def test_runnable_copies_have_the_given_image(tmp_path: Path) -> None:
    image = f"registry.example.com/me/fairing-kfp@sha256:{'a' * 64}"

    made = write_components(tmp_path, image)

    assert [path.relative_to(tmp_path).as_posix() for path in made] == [one.folder for one in COMPONENTS.values()]
    for folder in made:
        loaded = load_component_from_file(str(folder / "component.yaml"))
        assert loaded.component_spec.implementation.container.image == image
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and OWN_IMAGE in path.read_text()]


def _masked(text: str) -> str:
    return re.sub(r"sdkVersion: kfp-[\d.]+", "sdkVersion: kfp", text)


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def _interface(file: Path) -> dict[str, Any]:
    document = _read(file)
    (definition,) = document["components"].values()
    return {**definition, "executors": document["deploymentSpec"]["executors"]}


def _names(interface: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{part} {kind}": {
            name: (
                one.get("parameterType"),
                (one.get("artifactType") or {}).get("schemaTitle"),
                one.get("isOptional"),
                one.get("defaultValue"),
            )
            for name, one in listed.items()
        }
        for part in ("inputDefinitions", "outputDefinitions")
        for kind, listed in interface[part].items()
    }


def test_the_stub_for_type_checkers_golden() -> None:
    path = Path(fairing_kfp.components.__file__).with_suffix(".pyi")
    text = stub_of(COMPONENTS.values())
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text
