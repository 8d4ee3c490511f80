"""`packages="environment"`: the imported distributions at their installed versions."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from fairing_kfp.dependencies.environment import installed_pins
from fairing_kfp.errors import DependencyError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.function import FunctionSource

Author = Callable[..., types.ModuleType]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs distributions of hand-made files."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def install(name: str, version: str, **files: str) -> None:
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        places = [f"{place.replace('__', '/')}.py" for place in files]
        (info / "RECORD").write_text("".join(f"{place},,\n" for place in [*places, f"{info.name}/METADATA"]))
        for place, text in zip(places, files.values(), strict=True):
            (folder / place).parent.mkdir(exist_ok=True, parents=True)
            (folder / place).write_text(text)

    return install


def pins(module: types.ModuleType, name: str = "step") -> list[str]:
    return installed_pins(FunctionSource(getattr(module, name), {}).bundle("step"))


def test_imports_of_the_function_and_its_modules(author: Author, installed: Callable[..., None]) -> None:
    installed("Ant_Farm", "1.0+cu126", antfarm="")
    installed("beehive", "2.0", beehive="")
    installed("cowshed", "3.0", cowshed="")
    installed("doghouse", "4.0", doghouse="")
    module = author(
        steps="""
            import antfarm, cowshed, fairing_kfp
            import helper_of_steps

            def step():
                import beehive, json
                return antfarm, helper_of_steps.tool()

            def other():
                return cowshed
        """,
        helper_of_steps="def tool():\n    import doghouse\n",
    )

    assert pins(module) == ["ant-farm==1.0+cu126", "beehive==2.0", "doghouse==4.0"]
    assert pins(module, "other") == ["cowshed==3.0", "doghouse==4.0"]  # both are packed with the own module


def test_distributions_that_share_a_namespace(author: Author, installed: Callable[..., None]) -> None:
    installed("zoo-east", "1.0", zoo__east__lion="")
    installed("zoo-west", "1.0", zoo__west="")
    module = author(steps="def step():\n    from zoo.east import lion\n    import os.path\n")

    assert pins(module) == ["zoo-east==1.0"]


def test_missing_distribution_is_named(author: Author) -> None:
    module = author(steps="def step():\n    import never_installed_93.deeper\n")

    with pytest.raises(DependencyError, match=r"step: .* never_installed_93, which its code imports, is not installed"):
        pins(module)


def test_optional_imports_are_omitted(author: Author) -> None:
    module = author(
        steps="""
            import fairing_kfp
            import helper_with_choices

            def step():
                try:
                    import never_installed_91
                except ImportError:
                    pass
                return helper_with_choices.made
        """,
        helper_with_choices="""
            from typing import TYPE_CHECKING
            if TYPE_CHECKING:
                import never_installed_92
            made = 1
        """,
    )

    assert pins(module) == []


def test_scripts_are_read_from_their_files(installed: Callable[..., None]) -> None:
    installed("beehive", "2.0", beehive="")
    script = File(
        "opt/fairing/code/files/train.py", b"import beehive, sys\nfrom tools.more import x\nfrom beside import y\n"
    )
    own = [File(f"opt/fairing/code/files/{place}", b"") for place in ("tools/more.py", "beside.py", "data.csv")]

    assert installed_pins(Bundle("step", (script, *own))) == ["beehive==2.0"]


def test_modules_are_not_imported(author: Author, installed: Callable[..., None]) -> None:
    installed("beehive", "2.0", beehive="raise RuntimeError\n")
    module = author(steps="def step():\n    import beehive\n")

    assert pins(module) == ["beehive==2.0"]
    assert "beehive" not in sys.modules


def test_what_only_the_notebook_needs_is_left_out(author: Author, installed: Callable[..., None]) -> None:
    installed("antfarm", "1.0", antfarm="def walk(): ...\n")
    installed("beehive", "2.0", beehive="class Bee: ...\nbee = Bee()\n")
    author(net="class Net: ...\n")
    notebook = types.ModuleType("kernel_of_this_test")
    sys.modules[notebook.__name__] = notebook
    exec(
        "import antfarm, IPython, ipykernel.kernelapp\n"
        "from beehive import bee\n"
        "from IPython.core.interactiveshell import _modified_open as open\n"
        "from IPython import get_ipython\n"
        "from net import Net\n"
        "def step():\n    antfarm.walk()\n    return open\n",
        notebook.__dict__,
    )
    assert pins(notebook) == ["antfarm==1.0"]


def test_a_function_that_imports_ipython_needs_it(author: Author) -> None:
    module = author(steps="def step():\n    from IPython.display import HTML\n    return HTML\n")
    assert [pin.partition("==")[0] for pin in pins(module)] == ["ipython"]


def test_notebooks_as_code_have_a_replacement_for_ipython(installed: Callable[..., None]) -> None:
    installed("antfarm", "1.0", antfarm="")
    text = b"import jupyter_stand_in\nfrom IPython.display import display\nimport antfarm\n"
    files = (
        File("opt/fairing/code/files/flow.py", text),
        File("opt/fairing/code/files/jupyter_stand_in.py", b"import IPython\n"),
    )
    assert installed_pins(Bundle("step", files)) == ["antfarm==1.0"]
