"""Steps as they run in a container: a bare interpreter, unpacked layers, nothing of the author's packages."""

from __future__ import annotations

import getpass
import importlib
import json
import os
import platform
import shutil
import subprocess
import sys
import textwrap
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.local.root import bare_python, root_digest, unpack_root
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.image_paths import DEPENDENCIES
from fairing_kfp.recipe.runtime_layer import runtime_files
from fairing_kfp.runtime.environment import libc_problem

HEADER = "import fairing_kfp\n"  # makes it a pipeline file


@dataclass
class Done:
    """What became of a step."""

    code: int
    log: str
    result: Any = None
    folder: Path = field(default_factory=Path)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("steps"))


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, Any]]]:
    """Writes files into a folder on the import path and gives the module that the first one is."""
    folder = tmp_path / "author"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def write(**files: str) -> dict[str, Any]:
        for name, text in files.items():
            place = folder / f"{name.replace('__', '/')}.py"
            place.parent.mkdir(exist_ok=True, parents=True)
            place.write_text(textwrap.dedent(text))
        importlib.invalidate_caches()
        first = next(iter(files))
        return vars(importlib.import_module(first.replace("__", ".")))

    yield write
    for name, module in list(sys.modules.items()):
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
        if any(str(place).startswith(str(folder)) for place in places):
            del sys.modules[name]


@pytest.fixture
def run(tmp_path: Path, shared: Cache) -> Callable[..., Done]:
    """Packs a function, unpacks it as an image would hold it, and runs it."""
    number = iter(range(100))

    def start(function: Callable[..., Any], *, dependencies: Path | None = None, **options: Any) -> Done:
        modules = options.pop("modules", ())
        annotations = typing.get_type_hints(function, include_extras=True)
        annotations = {name: kind for name, kind in annotations.items() if kind is not type(None)}
        packed = FunctionSource(function, annotations, modules).bundle("step")
        layers = [layer_of_files("runtime", runtime_files()), layer_of_files("code", packed.files)]
        root = unpack_root(
            layers,
            {DEPENDENCIES: dependencies} if dependencies else {},
            root_digest(layers, str(dependencies), {}),
            shared,
        )
        return launch(root, tmp_path / f"run-{next(number)}", bare_python(shared), **options)

    return start


def launch(root: Path, folder: Path, python: Path, inputs: dict[str, Any] | None = None, **env: str) -> Done:
    folder.mkdir()
    output = folder / "output.json"
    given = {
        "inputs": {"parameterValues": inputs or {}},
        "outputs": {"parameters": {"Output": {"outputFile": str(folder / "Output")}}, "outputFile": str(output)},
    }
    done = subprocess.run(
        [str(python), str(root / "runtime" / "step.py"), "--executor_input", json.dumps(given)],
        env={"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), **env},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    made = json.loads(output.read_text()) if output.exists() else {}
    return Done(done.returncode, done.stdout + done.stderr, made.get("parameterValues", {}).get("Output"), folder)


def test_the_source_text_of_classes(author: Any, run: Any) -> None:
    space = author(
        flow=HEADER
        + """
import dataclasses, enum, inspect

@dataclasses.dataclass
class Point:
    x: int = 1  # in metres

    class Inner:
        y = 2

class Color(enum.Enum):
    RED = 1

def make():
    class Local:
        def method(self): ...
    return Local

class Made(type("Base", (), {})): ...

def step() -> list:
    texts = [inspect.getsource(cls) for cls in (Point, Point.Inner, Color, make(), Made)]
    try:
        inspect.getsource(Made.__base__)
    except (OSError, TypeError):
        texts.append("none")
    return [*texts, inspect.getsource(Local := make()), inspect.getsourcelines(Color)[1], inspect.getsource(step)]

make = make()
HERE = make
make = lambda: HERE
"""
    )
    done = run(space["step"])
    assert done.code == 0, done.log
    point = "class Point:\n    x: int = 1  # in metres\n\n    class Inner:\n        y = 2\n"
    inner, local = "    class Inner:\n        y = 2\n", "    class Local:\n        def method(self): ...\n"
    color, made = "class Color(enum.Enum):\n    RED = 1\n", 'class Made(type("Base", (), {})): ...\n'
    assert done.result[:6] == [point, inner, color, local, made, "none"]
    assert done.result[6] == local
    assert done.result[8].startswith("def step() -> list:\n")


def test_inputs_defaults_and_result(author: Any, run: Any) -> None:
    space = author(
        flow=HEADER
        + """
def step(a: int, b: dict, c: str = "default") -> list:
    return [a, b, c]
"""
    )
    done = run(space["step"], inputs={"a": 3, "b": {"k": [1]}})
    assert (done.code, done.result) == (0, [3, {"k": [1]}, "default"]), done.log


def test_leaves_no_trace_in_the_process(author: Any, run: Any) -> None:
    space = author(
        flow=HEADER
        + """
import os, sys
def step() -> dict:
    import logging
    visible = [name for name in sys.modules if name.partition(".")[0] in ("cloudpickle", "fairing_kfp")]
    return {
        "kfp": os.environ.get("_KFP_RUNTIME"),
        "argv": len(sys.argv),
        "first": os.path.basename(sys.path[0]),
        "runtime": [entry for entry in sys.path if "runtime" in entry],
        "visible": visible,
        "handlers": len(logging.getLogger().handlers),
        "name": step.__module__,
    }
"""
    )
    done = run(space["step"])
    assert done.code == 0, done.log
    assert done.result["kfp"] is None
    assert done.result["argv"] == 1
    assert done.result["runtime"] == []
    assert done.result["visible"] == []
    assert done.result["handlers"] == 0
    assert done.result["name"] == "flow"


def test_a_step_has_its_own_cloudpickle(author: Any, run: Any, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    (packages / "cloudpickle").mkdir(parents=True)
    (packages / "cloudpickle" / "__init__.py").write_text("__version__ = 'mine'\n")
    (packages / "cloudpickle" / "cloudpickle.py").write_text("def dumps(x): return 'mine'\n")
    space = author(
        flow=HEADER
        + """
from collections import OrderedDict
VIEW = OrderedDict(a=1).keys()  # which is unpickled by cloudpickle's helpers
def step() -> list:
    import cloudpickle
    from cloudpickle.cloudpickle import dumps
    return [cloudpickle.__version__, dumps(1), list(VIEW)]
"""
    )
    done = run(space["step"], dependencies=packages)
    assert done.result == ["mine", "mine", ["a"]], done.log


def test_a_step_has_its_own_kfp(author: Any, run: Any, tmp_path: Path) -> None:
    import kfp

    packages = tmp_path / "packages"
    theirs = packages / "kfp"
    private = {file.path.partition("private/")[2]: file.data for file in runtime_files() if "/private/" in file.path}
    for place, data in private.items():
        (packages / place).parent.mkdir(parents=True, exist_ok=True)
        (packages / place).write_bytes(data)
    (theirs / "__init__.py").write_text("import os\nos.environ['_KFP_RUNTIME'] = 'true'\n__version__ = '2.99.0'\n")
    (packages / "kfp-2.99.0.dist-info").mkdir()
    (packages / "kfp-2.99.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: kfp\nVersion: 2.99.0\n")
    assert kfp.__version__ != "2.99.0"
    space = author(
        flow=HEADER
        + """
from kfp import dsl
def step() -> list:
    import kfp
    from kfp.dsl import executor
    return [kfp.__version__, dsl.Artifact.__module__, executor.__file__]
"""
    )
    done = run(space["step"], dependencies=packages)
    assert done.result == ["2.99.0", "kfp.dsl.types.artifact_types", str(theirs / "dsl" / "executor.py")], done.log


def test_pythonpath_of_the_task_stays_effective(author: Any, run: Any, tmp_path: Path) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "given.py").write_text("VALUE = 'from PYTHONPATH'\n")
    (extra / "sitecustomize.py").write_text("import sys; sys.customized = sys.__dict__.get('customized', 0) + 1\n")
    (extra / "fairing_runtime.py").write_text("raise ImportError('hidden')\n")
    space = author(
        flow=HEADER
        + """
import subprocess, sys
def step() -> list:
    import given
    child = "import given, sys; print(given.VALUE, sys.customized)"
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True)
    return [given.VALUE, sys.customized, done.stdout + done.stderr]
"""
    )
    done = run(space["step"], PYTHONPATH=str(extra))
    assert done.result == ["from PYTHONPATH", 1, "from PYTHONPATH 1\n"], done.log


def test_child_processes_import_what_the_step_imports(author: Any, run: Any, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "dependency.py").write_text("VALUE = 'dependency'\n")
    (packages / "dependency-path.pth").write_text("more\n")
    (packages / "more").mkdir()
    (packages / "more" / "by_pth.py").write_text("VALUE = 'pth'\n")
    space = author(
        flow=HEADER
        + """
import multiprocessing, subprocess, sys
from own import square
OFFSET = 100
class Job:
    def __init__(self, number): self.number = number
    def run(self): return square(self.number) + OFFSET
def work(job):
    import dependency, by_pth
    return [job.run(), dependency.VALUE, by_pth.VALUE, __name__]
def step() -> list:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        spawned = pool.map(work, [Job(2), Job(3)])
    child = "import own, dependency, by_pth, flow; print(own.square(5), dependency.VALUE, flow.work(flow.Job(4)))"
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True)
    return [spawned, done.stdout + done.stderr]
""",
        own="def square(x): return x * x\n",
    )
    done = run(space["step"], dependencies=packages)
    assert done.code == 0, done.log
    assert done.result == [
        [[104, "dependency", "pth", "flow"], [109, "dependency", "pth", "flow"]],
        "25 dependency [116, 'dependency', 'pth', 'flow']\n",
    ]


def test_commands_of_dependencies_are_found(author: Any, run: Any, tmp_path: Path) -> None:
    command = tmp_path / "dependencies" / "bin" / "greet"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\necho hello\n")
    command.chmod(0o755)
    step = author(
        pipeline=HEADER
        + """
import subprocess

def step() -> str:
    return subprocess.run(["greet"], capture_output=True, text=True, check=True).stdout
"""
    )["step"]

    assert run(step, dependencies=tmp_path / "dependencies").result == "hello\n"


def test_order_of_the_import_path(author: Any, run: Any, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "json.py").write_text("raise ImportError('the standard library comes first')\n")
    space = author(
        flow=HEADER
        + """
import os, sys
def step() -> list:
    import json
    return [os.path.basename(entry) for entry in sys.path][-3:]
"""
    )
    done = run(space["step"], dependencies=packages)
    assert done.result[-1] == "site-packages", done.log
    assert "modules" not in done.result  # no own module, no folder
    assert "packages" in done.result, "not by the link, whose byte code no other component uses"


def test_folders_are_writable(author: Any, run: Any, tmp_path: Path) -> None:
    space = author(
        flow=HEADER
        + """
import getpass, os, pathlib, tempfile
from own import VALUE
def step() -> dict:
    (pathlib.Path.home() / "x").write_text("x")
    folder = pathlib.Path(os.environ["MPLCONFIGDIR"])
    (folder / "x").write_text("x")
    kept = os.environ["HF_HOME"]
    return {"home": os.environ["HOME"] != "/proc/nowhere", "user": getpass.getuser(), "own": VALUE, "kept": kept}
""",
        own="VALUE = 1\n",
    )
    writable = tmp_path / "hf"
    writable.mkdir()
    done = run(
        space["step"],
        HOME="/proc/nowhere",
        MPLCONFIGDIR="/proc/nowhere",
        HF_HOME=str(writable),
    )
    assert done.result == {"home": True, "user": getpass.getuser(), "own": 1, "kept": str(writable)}, done.log


def test_another_python_minor_is_refused_before_unpickling(
    author: Any, run: Any, shared: Cache, tmp_path: Path
) -> None:
    space = author(flow=HEADER + "def step() -> int: return 1\n")
    packed = FunctionSource(space["step"], {"return": int}).bundle("step")
    root = tmp_path / "other"
    for file in (*runtime_files(), *packed.files):
        place = root / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
    code = root / "opt" / "fairing" / "code"
    described = json.loads((code / "step.json").read_text())
    (code / "step.json").write_text(json.dumps({**described, "python": [3, 9]}))
    (code / "function.pickle").write_bytes(b"not a pickle")
    done = launch(root / "opt" / "fairing", tmp_path / "run", bare_python(shared))
    assert done.code == 1
    assert "packed with Python 3.9" in done.log
    assert f"runs Python {sys.version_info[0]}.{sys.version_info[1]}" in done.log
    assert "base_image" in done.log
    assert "Traceback" not in done.log


@pytest.mark.parametrize(
    ("needed", "problem"),
    [("manylinux_2_5", ""), ("manylinux_2_99", "fits manylinux_2_99"), ("musllinux_1_2", "fits musllinux_1_2")],
)
@pytest.mark.skipif(not platform.libc_ver()[1], reason="this machine has another C library")
def test_packages_for_another_libc_are_refused_before_they_are_imported(
    tmp_path: Path, needed: str, problem: str
) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "libc").write_text(needed)
    said = libc_problem(str(tmp_path), {"name": "train"})
    assert problem in said
    assert bool(said) == bool(problem)
    if problem:
        assert f"its image has glibc {platform.libc_ver()[1]}" in said
        assert "base_image" in said


def test_without_compiled_packages_any_libc_will_do(tmp_path: Path) -> None:
    assert libc_problem(str(tmp_path), {"name": "train"}) == ""


def test_a_missing_module_is_named_with_what_to_do(author: Any, run: Any, tmp_path: Path) -> None:
    space = author(flow=HEADER + "import absent\ndef step() -> int: return absent.x\n", absent="x = 1\n")
    packages = tmp_path / "author" / "site-packages"  # as if it were installed
    packages.mkdir()
    shutil.move(tmp_path / "author" / "absent.py", packages / "absent.py")
    sys.modules["absent"].__file__ = sys.modules["absent"].__spec__.origin = str(packages / "absent.py")  # type: ignore[union-attr]
    done = run(space["step"])
    assert done.code == 1
    assert "the step 'step' cannot be loaded: No module named 'absent'" in done.log
    assert "packages=[…]" in done.log


def test_traceback_shows_the_users_lines_alone(author: Any, run: Any) -> None:
    space = author(
        flow=HEADER
        + """
from own import fail
def helper(x):
    # a comment
    return fail(x)
def step() -> int:
    value = 3
    return helper(value)
""",
        own="""
        import functools


        def loud(function):
            @functools.wraps(function)
            def wrapper(*arguments):
                return function(*arguments)
            return wrapper


        def fail(x):
            raise ValueError(f"failed with {x}")
        """,
    )
    done = run(space["step"])
    assert done.code == 1
    assert "return helper(value)" in done.log
    assert "return fail(x)" in done.log
    assert "ValueError: failed with 3" in done.log
    assert "line 3, in step" in done.log
    assert "fairing_runtime" not in done.log
    assert "executor" not in done.log


def test_source_is_there_and_lines_of_own_decorators_are_right(author: Any, run: Any) -> None:
    space = author(
        flow=HEADER
        + """
import inspect, traceback
from own import loud
@loud
def helper(x):
    return 1 / x
def step() -> list:
    try:
        helper(0)
    except ZeroDivisionError as error:
        frames = [frame.line for frame in traceback.extract_tb(error.__traceback__)]
    return [inspect.getsource(step).splitlines()[0], inspect.getsource(helper).splitlines(), frames]
""",
        own="""
        import functools

        def loud(function):
            @functools.wraps(function)
            def wrapper(*arguments):
                return function(*arguments)  # in the wrapper
            return wrapper
        """,
    )
    done = run(space["step"])
    assert done.code == 0, done.log
    first, helper, frames = done.result
    assert first == "def step() -> list:"
    assert helper[-2:] == ["def helper(x):", "    return 1 / x"]
    assert frames == ["helper(0)", "return function(*arguments)  # in the wrapper", "return 1 / x"]


def test_logging_is_visible_and_the_users_own_configuration_holds(author: Any, run: Any) -> None:
    space = author(
        flow=HEADER
        + """
import logging
LOG = logging.getLogger(__name__)
def shown() -> str:
    LOG.info("told at once")
    logging.info("and by the root")
    return ""
def configured() -> str:
    logging.basicConfig(level=logging.WARNING, format="MINE %(message)s")
    LOG.info("not this")
    LOG.warning("but this")
    return ""
"""
    )
    log = run(space["shown"]).log
    assert "INFO flow: told at once" in log
    assert "and by the root" in log
    log = run(space["configured"]).log
    assert "not this" not in log
    assert log.count("but this") == 1
    assert "MINE but this" in log


def test_what_one_step_pickles_loads_in_the_next(author: Any, run: Any, tmp_path: Path) -> None:
    kept = tmp_path / "kept.pickle"
    space = author(
        flow=HEADER
        + """
import pickle
from models.net import Net
def save(path: str) -> str:
    with open(path, "wb") as file:
        pickle.dump(Net(4), file)
    return ""
def load(path: str) -> int:
    with open(path, "rb") as file:
        return pickle.load(file).size
""",
        models__net="""
        from .base import Base
        class Net(Base):
            def __init__(self, size): self.size = size
        """,
        models__base="class Base: ...\n",
        models____init__="",
    )
    assert run(space["save"], inputs={"path": str(kept)}).code == 0
    done = run(space["load"], inputs={"path": str(kept)})
    assert done.result == 4, done.log


def test_asking_a_packed_module_for_what_it_has_not(author: Any, run: Any) -> None:
    space = author(
        flow=HEADER
        + """
import sys
OTHER = 3
def step() -> str:
    try:
        return sys.modules[__name__].OTHER
    except AttributeError as error:
        return str(error)
"""
    )
    assert "was not packed, because this step does not refer to it" in run(space["step"]).result


def test_a_component_within_a_step_is_its_function(author: Any, run: Any) -> None:
    space = author(
        flow="""
        from fairing_kfp import fairing_component

        @fairing_component
        def clean(x: int) -> int:
            return x + 1

        def step() -> list:
            return [clean(x=1), clean.python_func(2)]
        """
    )
    done = run(space["step"])
    assert done.result == [2, 3], done.log


def test_exit_code_of_the_user_is_kept(author: Any, run: Any) -> None:
    space = author(flow=HEADER + "import sys\ndef step() -> int: sys.exit(7)\n")
    assert run(space["step"]).code == 7


def test_modules_named_by_the_user_travel_whole(author: Any, run: Any) -> None:
    space = author(
        flow=HEADER + "import importlib\ndef step() -> int: return importlib.import_module('plugins.one').VALUE\n",
        plugins__one="VALUE = 11\n",
        plugins____init__="",
    )
    done = run(space["step"], modules=("plugins",))
    assert done.result == 11, done.log
