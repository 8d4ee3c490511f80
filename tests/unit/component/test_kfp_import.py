from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fairing_kfp.component.kfp_import import import_kfp
from fairing_kfp.component.load import load_pipeline
from fairing_kfp.errors import PipelineError

_PROGRAM = """
import json, sys
from fairing_kfp.component.kfp_import import import_kfp

def asked(question, late):
    for name in [name for name in sys.modules if name.partition(".")[0] == "kfp"]:
        del sys.modules[name]
    import_kfp() if late else __import__("kfp")
    names = {}
    try:
        exec(question, names)
    except Exception as error:
        names["answer"] = f"{type(error).__name__}: {error}"
    return str(names["answer"]), "kfp.client.client" in sys.modules

print(json.dumps({question: [asked(question, late) for late in (True, False)] for question in sys.argv[1:]}))
"""
_WITHOUT_CLIENT = (
    "import kfp; answer = dir(kfp)",
    "import sys; answer = sorted(name for name in sys.modules if name[:4] == 'kfp.' and name[:10] != 'kfp.client')",
    "import kfp; answer = hasattr(kfp, 'no_such_name')",
    "import kfp; answer = kfp.no_such_name",
    "from kfp import compiler, components, dsl, local; answer = compiler.Compiler, dsl.pipeline.__name__",
    "import kfp; answer = kfp.__version__, kfp.compiler.Compiler, kfp.components.load_component_from_text.__name__",
    "from kfp import no_such_name",
)
_WITH_CLIENT = (
    "import kfp; answer = kfp.Client is kfp.client.Client, sorted(vars(kfp))",
    "import kfp; answer = kfp.client.__name__, kfp.Client, sorted(vars(kfp))",
    "from kfp import Client; answer = Client.create_run_from_pipeline_func.__qualname__",
    "from kfp import client; answer = client.Client",
    "from kfp.client import Client; import kfp; answer = Client is kfp.Client, sorted(vars(kfp))",
    "import kfp.client.client; answer = kfp.client.client.Client is kfp.Client",
    "from kfp import *; answer = sorted(globals())",
    "import inspect, kfp; answer = [name for name, _ in inspect.getmembers(kfp)]",
    "from unittest import mock; import kfp\nwith mock.patch('kfp.Client', 1): late = kfp.Client\nanswer = kfp.Client",
)


@pytest.fixture(scope="module")
def answers() -> dict[str, list[tuple[str, bool]]]:
    """Of kfp imported by `import_kfp`, and imported plainly: the answers, and whether the client is imported then."""
    command = [sys.executable, "-c", _PROGRAM, *_WITHOUT_CLIENT, *_WITH_CLIENT]
    done: dict[str, list[tuple[str, bool]]] = json.loads(subprocess.check_output(command, text=True))
    return done


@pytest.mark.parametrize("question", [*_WITHOUT_CLIENT, *_WITH_CLIENT])
def test_kfp_answers_as_after_a_plain_import(answers: dict[str, list[tuple[str, bool]]], question: str) -> None:
    (late, late_client), (plain, plain_client) = answers[question]
    assert late == plain
    assert late_client is (question in _WITH_CLIENT)
    assert plain_client is True


@pytest.fixture
def write_kfp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Writes a package `kfp`, which imports find instead of the installed one."""
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in ("kfp", "requests")}
    for name in kept:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)

    def write(**files: str) -> None:
        for name, text in {"client": "class Client: pass", **files}.items():
            path = tmp_path / "kfp" / f"{name}.py"
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text)

    yield write
    _forget_kfp()


def _forget_kfp() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "kfp"]:
        del sys.modules[name]


def _values(module: ModuleType) -> dict[str, str]:
    return {name: re.sub("0x[0-9a-f]+", "", str(value)) for name, value in vars(module).items() if name[0] != "_"}


def test_client_is_imported_on_demand(write_kfp: Any) -> None:
    write_kfp(__init__="from kfp.client import Client")
    import_kfp()
    assert "kfp.client" not in sys.modules
    assert sys.modules["kfp"].Client is sys.modules["kfp.client"].Client


_AT_ONCE = (
    {"__init__": "from kfp.client import Client\nclass Ours(Client): pass"},
    {"__init__": "from kfp.client import Client as Other"},
    {"__init__": "import kfp.client as c\nClient = c.Client"},
    {"__init__": "from kfp.client import Client, NAME", "client": "Client = 1\nNAME = 2"},
    {"__init__": "from kfp.client import *", "client": "Client = 1\nNAME = 2"},
    {"__init__": "from kfp.client.deep import x", "client/__init__": "Client = 1", "client/deep": "x = 1"},
    {"__init__": "from kfp import other", "other": "from kfp.client import Client"},
    {"__init__": "from kfp import other", "other": "import kfp.client as c"},
    {"__init__": "from kfp import other", "other": "class Other: pass\nfrom kfp.client import Client\nClient.x = 1"},
)
_NEVER = ({"__init__": ""}, {"__init__": "Client = 1"}, {"__init__": "Client = 1", "client": "raise ImportError"})


@pytest.mark.parametrize(
    ("files", "client"), [*((files, True) for files in _AT_ONCE), *((files, False) for files in _NEVER)]
)
def test_other_versions_are_imported_plainly(write_kfp: Any, files: dict[str, str], client: bool) -> None:
    write_kfp(**files)
    import_kfp()
    assert ("kfp.client" in sys.modules) is client
    names = _values(sys.modules["kfp"])
    _forget_kfp()
    assert names == _values(importlib.import_module("kfp"))


@pytest.mark.parametrize(
    "files",
    [
        {"__init__": "raise RuntimeError('broken')"},
        {"__init__": "import no_such_module"},
        {"__init__": "from kfp.client import Client\nClient.no_such_name"},
        {"__init__": "from kfp.client import no_such_name"},
        {"__init__": "from kfp.client import *", "client": "raise RuntimeError('broken')"},
    ],
)
def test_a_broken_kfp_fails_as_in_a_plain_import(write_kfp: Any, files: dict[str, str]) -> None:
    write_kfp(**files)
    with pytest.raises(Exception) as plain:
        importlib.import_module("kfp")
    _forget_kfp()
    with pytest.raises(plain.type, match=re.escape(str(plain.value))):
        import_kfp()
    assert "kfp" not in sys.modules


def test_a_pipeline_file_is_loaded_without_the_client(write_kfp: Any, tmp_path: Path) -> None:
    write_kfp(__init__="from kfp.client import Client")
    file = tmp_path / "without_pipeline.py"
    file.write_text(
        "import kfp\nClient = kfp.no_such_name if 'kfp.client' in __import__('sys').modules else kfp.Client"
    )
    with pytest.raises(PipelineError, match="has no pipeline"):
        load_pipeline(str(file))
    assert "kfp.client" in sys.modules


def test_kfp_that_is_imported_already_stays(write_kfp: Any) -> None:
    write_kfp(__init__="from kfp.client import Client")
    before = importlib.import_module("kfp")
    import_kfp()
    assert sys.modules["kfp"] is before
    assert vars(before)["Client"] is sys.modules["kfp.client"].Client


def test_requests_is_imported_once_a_name_is_read(write_kfp: Any) -> None:
    write_kfp(__init__="import requests\ndef get(): return requests.get")
    import_kfp()
    assert "requests" not in sys.modules
    kfp = sys.modules["kfp"]
    get = kfp.get()
    assert isinstance(sys.modules["requests"], ModuleType)
    assert get is sys.modules["requests"].get


@pytest.mark.parametrize(
    "statement",
    ["from requests import get", "import requests.sessions", "import requests\nError = requests.RequestException"],
)
def test_requests_is_imported_at_once_for_its_names(write_kfp: Any, statement: str) -> None:
    write_kfp(__init__=statement)
    import_kfp()
    assert sys.modules["requests"].__file__
