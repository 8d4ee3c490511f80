"""Own modules, and the files that they are packed as."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.errors import ModuleNotPackedError, PackError, SecretError
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.modules.collect import OwnModules
from fairing_kfp.preprocess.modules.own import (
    canonical_name,
    find_own,
    import_root,
    is_by_value,
    is_installed,
    is_pipeline_file,
)

Author = Callable[..., types.ModuleType]
HIGH = "q8Zk2vX9pLm3" + "RtY7"


def places(function: Any, modules: tuple[str, ...] = ()) -> set[str]:
    made = FunctionSource(function, {}, modules).bundle("step")
    return {file.path.partition("modules/")[2] for file in made.files} - {""}


@pytest.mark.parametrize(
    "name", ["json", "sys", "xml.etree", "pytest", "kfp", "fairing_kfp.errors", "absent", "__main__"]
)
def test_not_own(name: str) -> None:
    assert find_own(name) is None


def test_own_modules_with_what_they_import(author: Author) -> None:
    flow = author(
        flow="import fairing_kfp\nfrom pack.deep import value\ndef step(): return value\n",
        pack__deep="from . import other\nimport loose\nvalue = [1]\n",
        pack__other="def f():\n    import later\n",
        pack____init__="",
        loose="import json, yaml\n",
        later="",
        unused="",
    )
    assert places(flow.step) == {"pack/__init__.py", "pack/deep.py", "pack/other.py", "loose.py", "later.py"}


def test_all_own_modules_of_the_file_travel_so_that_pickles_of_other_steps_load(author: Author) -> None:
    flow = author(flow="import fairing_kfp\nimport net\ndef step(): return 1\n", net="")
    assert places(flow.step) == {"net.py"}


def test_modules_of_a_notebook_travel(author: Author) -> None:
    author(net="class Net: ...\n", other="")
    notebook = types.ModuleType("kernel")
    sys.modules["kernel"] = notebook
    exec("import other\nfrom net import Net\ndef step(): return 1\n", notebook.__dict__)
    assert places(notebook.step) == {"net.py", "other.py"}


def test_namespace_packages(author: Author) -> None:
    flow = author(
        flow="import fairing_kfp\nimport space.tool\ndef step(): return space.tool.x\n", space__tool="x = [1]\n"
    )
    assert places(flow.step) == {"space/tool.py"}
    found = find_own("space")
    assert found
    assert found.path is None


def test_symlinked_folders(author: Author, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tmp_path / "elsewhere" / "real"
    real.mkdir(parents=True)
    (real / "linked.py").write_text("def f(): return 1\n")
    (tmp_path / "link").symlink_to(real, target_is_directory=True)
    monkeypatch.syspath_prepend(str(tmp_path / "link"))
    flow = author(flow="import fairing_kfp\nfrom linked import f\ndef step(): return f()\n")
    assert places(flow.step) == {"linked.py"}


def test_editable_installations_by_path_and_by_finder(
    author: Author, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project" / "src"
    project.mkdir(parents=True)
    (project / "edited.py").write_text("def f(): return 1\n")
    (project / "hooked.py").write_text("def f(): return 1\n")
    monkeypatch.syspath_prepend(str(project))  # as a .pth file does
    flow = author(flow="import fairing_kfp\nfrom edited import f\ndef step(): return f()\n")
    assert places(flow.step) == {"edited.py"}

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
            return importlib.util.spec_from_file_location(name, project / "hooked.py") if name == "hooked" else None

    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(project)])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    other = author(flow2="import fairing_kfp\ndef step():\n    import hooked\n    return hooked.f()\n")
    assert places(other.step) == {"hooked.py"}


def test_links_into_and_out_of_installed_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file counts that a link points to, whether the link is the file or one of its folders."""
    site, own = tmp_path / "site-packages", tmp_path / "own"
    for folder in (site, own):
        folder.mkdir()
        (folder / "module.py").touch()
    (site / "linked.py").symlink_to(own / "module.py")
    (own / "linked.py").symlink_to(site / "module.py")
    (own / "folder").symlink_to(site)
    monkeypatch.chdir(site)

    installed = [site, site / "module.py", own / "linked.py", own / "folder", own / "folder" / "module.py"]
    assert all(is_installed(path) for path in [*installed, "module.py", "..//site-packages/.", own / "folder" / "."])
    assert not any(is_installed(path) for path in [own, own / "module.py", site / "linked.py", "..", site / ".."])


def test_the_files_of_a_folder_share_the_links_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one.py", "two.py"):
        (tmp_path / name).touch()
    followed: list[str] = []
    real = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path: (followed.append(path), real(path))[1])

    assert not is_installed(tmp_path / "one.py")
    assert not is_installed(tmp_path / "two.py")
    assert followed == [str(tmp_path)]


def test_installed_modules_stay_home(author: Author, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "lib" / "site-packages"
    site.mkdir(parents=True)
    (site / "installed.py").write_text("def f(): return 1\n")
    monkeypatch.syspath_prepend(str(site))
    flow = author(flow="import fairing_kfp\nfrom installed import f\ndef step(): return f()\n")
    assert places(flow.step) == set()


def test_a_module_found_anew_in_a_long_process(author: Author, tmp_path: Path) -> None:
    flow = author(flow="import fairing_kfp\ndef step():\n    import written_later\n")
    assert places(flow.step) == set()
    (tmp_path / "written_later.py").write_text("x = 1\n")
    importlib.invalidate_caches()
    assert places(flow.step) == {"written_later.py"}
    (tmp_path / "written_later.py").write_text("import another\n")
    (tmp_path / "another.py").write_text("")
    importlib.invalidate_caches()
    assert places(flow.step) == {"written_later.py", "another.py"}


def test_compiled_extensions_are_refused(author: Author, tmp_path: Path) -> None:
    (tmp_path / "fast.cpython-311-x86_64-linux-gnu.so").write_bytes(b"")
    (tmp_path / f"fast{importlib.machinery.EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    flow = author(flow="import fairing_kfp\ndef step():\n    import fast\n")
    with pytest.raises(ModuleNotPackedError, match="own module fast is a compiled extension") as raised:
        places(flow.step)
    assert "packages=" in raised.value.remedy


def test_invalid_modules_are_refused(author: Author, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n")
    flow = author(flow="import fairing_kfp\ndef step():\n    import broken\n")
    with pytest.raises(ModuleNotPackedError, match="own module broken is not valid Python"):
        places(flow.step)


@pytest.mark.parametrize(
    ("files", "modules"),
    [
        ({"flow": "import fairing_kfp\ndef step():\n    import statistics\n", "statistics": ""}, ()),
        ({"flow": "import fairing_kfp\nimport calendar\ndef step(): return calendar\n", "calendar": ""}, ()),
        (
            {
                "flow": "import fairing_kfp, deep\ndef step(): return 1\n",
                "deep": "def f(): import queue.own",
                "queue____init__": "",
            },
            (),
        ),
        ({"flow": "import fairing_kfp\ndef step(): return 1\n", "secrets": ""}, ("secrets",)),
    ],
    ids=["in a function", "imported before", "by another own module", "modules="],
)
def test_own_modules_named_as_those_of_python_are_refused(
    files: dict[str, str], modules: tuple[str, ...], author: Author
) -> None:
    flow = author(**files)
    name = list(files)[-1].partition("__")[0]
    with pytest.raises(
        ModuleNotPackedError, match=rf"own module {name} \(.*\) has the name of a module of the st"
    ) as no:
        places(flow.step, modules)
    assert no.value.remedy == "rename it"


def test_modules_of_python_that_no_own_module_hides(author: Author, tmp_path: Path) -> None:
    flow = author(flow="import fairing_kfp\nimport json, os.path\ndef step():\n    import xml.dom\n", types="")
    (tmp_path / "json").mkdir()  # a folder without __init__.py hides no module
    assert places(flow.step) == set()


def test_links_in_whole_packages(author: Author, tmp_path: Path) -> None:
    flow = author(flow="import fairing_kfp\ndef step(): return 1\n", plug____init__="", shared__deep__tool="")
    tool = tmp_path / "shared" / "deep__tool.py"
    tool.rename(tmp_path / "shared" / "tool.py")
    (tmp_path / "plug" / "data").symlink_to(tmp_path / "shared", target_is_directory=True)
    (tmp_path / "plug" / "again").symlink_to("data")
    (tmp_path / "plug" / "one.py").symlink_to(tmp_path / "shared" / "tool.py")
    assert places(flow.step, ("plug",)) == {
        "plug/__init__.py",
        "plug/one.py",
        "plug/data/tool.py",
        "plug/again/tool.py",
    }


@pytest.mark.parametrize(
    ("target", "reason"),
    [("..", "leads up to"), (".", "leads up to"), ("/usr/share", "leads out of"), ("absent", "is broken")],
)
def test_links_that_cannot_travel_are_refused_by_name(target: str, reason: str, author: Author, tmp_path: Path) -> None:
    flow = author(flow="import fairing_kfp\ndef step(): return 1\n", plug____init__="")
    (tmp_path / "plug" / "link").symlink_to(target)
    with pytest.raises(PackError, match=f"the symbolic link {tmp_path}/plug/link {reason}") as no:
        places(flow.step, ("plug",))
    assert ".fairingignore" in no.value.remedy
    (tmp_path / ".fairingignore").write_text("plug/link\n")
    assert places(flow.step, ("plug",)) == {"plug/__init__.py"}


def test_whole_packages_by_name(author: Author, tmp_path: Path) -> None:
    flow = author(
        flow="import fairing_kfp\ndef step(): return 1\n", plug__one="", plug____init__="", single="", plug__two=""
    )
    (tmp_path / "plug" / "data.json").write_text("{}")
    (tmp_path / "plug" / ".env").write_text("SECRET=1")
    for name in ("tls.key", "kaggle.json", "Credentials.json", "id_rsa_tools.py"):
        (tmp_path / "plug" / name).write_text("")
    (tmp_path / "plug" / "__pycache__").mkdir()
    (tmp_path / "plug" / "__pycache__" / "one.pyc").write_bytes(b"")
    assert places(flow.step, ("plug", "single")) == {
        "plug/__init__.py",
        "plug/one.py",
        "plug/two.py",
        "plug/data.json",
        "plug/id_rsa_tools.py",
        "single.py",
    }


def test_ignored_files_of_whole_packages_stay_out(author: Author, tmp_path: Path) -> None:
    flow = author(flow="import fairing_kfp\ndef step(): return 1\n", plug____init__="", plug__test_one="", plug__one="")
    for name in ("data.json", "data.csv", "kept.csv"):
        (tmp_path / "plug" / name).write_text("{}")
    (tmp_path / ".dockerignore").write_text("**/*.csv\nplug/test_*\n")
    (tmp_path / ".fairingignore").write_text("!plug/kept.csv\n")

    found = {"plug/__init__.py", "plug/one.py", "plug/data.json", "plug/kept.csv"}
    assert places(flow.step, ("plug",)) == found

    (tmp_path / ".fairingignore").write_text("[\n")
    with pytest.raises(PackError, match="fairingignore"):
        places(flow.step, ("plug",))


@pytest.mark.parametrize(
    ("modules", "imported", "name", "text"),
    [
        (("lab",), "json", "settings.yaml", f"api_key: {HIGH}\n"),
        (("lab",), "json", "deep.py", f"api_key = '{HIGH}'\n"),
        (("lab.deep",), "json", "deep.py", f"api_key = '{HIGH}'\n"),
        ((), "lab.deep", "deep.py", f"api_key = '{HIGH}'\n"),
    ],
)
def test_every_file_of_an_own_module_is_scanned(
    modules: tuple[str, ...], imported: str, name: str, text: str, author: Author, tmp_path: Path
) -> None:
    flow = author(flow=f"import fairing_kfp, {imported}\ndef step(): return 1\n", lab____init__="", lab__deep="")
    (tmp_path / "lab" / name).write_text(text)
    with pytest.raises(SecretError, match=f"step: lab/{name} contains 'api_key', which looks like a cred") as raised:
        places(flow.step, modules)
    assert HIGH not in str(raised.value)


@pytest.mark.parametrize("name", ["absent", "plug.absent", "absent.child"])
def test_named_modules_must_be_there(name: str, author: Author) -> None:
    flow = author(flow="import fairing_kfp\ndef step(): return 1\n", plug____init__="")
    with pytest.raises(ModuleNotPackedError, match=f"the module {name} of modules= cannot be found"):
        places(flow.step, (name,))


def test_own_modules_must_not_import_pipeline_files(author: Author) -> None:
    flow = author(
        flow="import fairing_kfp\nimport own\ndef step(): return own.f()\n",
        own="def f():\n    from steps import CONSTANT\n    return CONSTANT\n",
        steps="from fairing_kfp import fairing_component\nCONSTANT = 1\n",
    )
    with pytest.raises(ModuleNotPackedError, match="own module own imports steps, which imports fairing_kfp") as raised:
        places(flow.step)
    assert "move what own needs from steps" in raised.value.remedy


def test_pipeline_files_are_taken_apart(author: Author, tmp_path: Path) -> None:
    author(flow="import fairing_kfp\nfrom shared import f\n", shared="def f(): return 1\n")
    assert is_pipeline_file(tmp_path / "flow.py")
    assert is_by_value("flow")
    assert not is_by_value("shared")
    assert is_by_value("__main__")
    assert not is_by_value("sys")
    assert not is_by_value("json")
    assert not is_by_value("fairing_kfp.component.decorator")


def test_canonical_names(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for place in ("a/__init__.py", "a/b/__init__.py", "a/b/c.py", "alone.py"):
        (tmp_path / place).write_text("")
    assert canonical_name("__main__", str(tmp_path / "a" / "b" / "c.py")) == "a.b.c"
    assert canonical_name("c", str(tmp_path / "a" / "b" / "c.py")) == "a.b.c"
    assert canonical_name("a.b", str(tmp_path / "a" / "b" / "__init__.py")) == "a.b"
    assert canonical_name("__main__", str(tmp_path / "alone.py")) == "alone"
    assert canonical_name("__main__", None) == "__main__"
    assert canonical_name("json", __import__("json").__file__) == "json"
    assert import_root(tmp_path / "a" / "b" / "c.py") == tmp_path.resolve()


def test_nothing_is_imported_by_looking(author: Author, tmp_path: Path) -> None:
    author(quiet="")
    (tmp_path / "loud.py").write_text("raise SystemExit('imported')\n")
    modules = OwnModules()
    modules.add("loud")
    assert set(modules.files) == {"loud.py"}
    assert "loud" not in sys.modules


def test_namespaces_in_namespaces_travel_before_they_are_imported(author: Callable[..., types.ModuleType]) -> None:
    module = author(steps="import fairing_kfp\ndef step():\n    from outer.inner import leaf\n")
    folder = Path(str(module.__file__)).parent / "outer" / "inner"
    folder.mkdir(parents=True)
    (folder / "leaf.py").write_text("value = 1\n")
    modules = OwnModules()

    modules.add("outer.inner.leaf")

    assert set(modules.files) == {"outer/inner/leaf.py"}
