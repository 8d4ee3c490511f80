# ruff: noqa: E501 - one program a line
"""No credential leaves in an image or in the YAML: each way is refused before anything is sent."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import SecretError
from fairing_kfp.pipeline import yaml_secrets
from fairing_kfp.preprocess.secrets.finding import fingerprint_of
from tests.support.command_line import fairing_kfp as command
from tests.support.made_up_secrets import HIGH
from tests.support.stand_in_builder import StandInBuilder

STEP = "@fairing_component\ndef step(depth: int = 1) -> int: return depth\n"

Load = Callable[..., Any]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Writes the file of a pipeline, and others beside it, and loads the pipeline `flow`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def load(text: str, **files: str) -> Any:
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        path = tmp_path / "gate_flow.py"
        path.write_text(f"from kfp import dsl\nfrom fairing_kfp import fairing_component\n{text}")
        spec = importlib.util.spec_from_file_location("gate_flow", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "gate_flow", module)
        spec.loader.exec_module(module)
        return module.flow

    return load


def refused(pipeline: Any, cache: Cache, **settings: Any) -> str:
    """The error of compiling, which publishes nothing and does not show the credential."""
    builder = StandInBuilder()
    with pytest.raises(SecretError) as raised:
        fairing_kfp.compile(pipeline, builder=builder, cache=cache, **settings)
    assert builder.published == []
    assert HIGH not in str(raised.value)
    return str(raised.value)


YAML = {
    "a parameter of the pipeline": (
        f"{STEP}@dsl.pipeline\ndef flow(password: str = '{HIGH}'): step()",
        "the default of the parameter 'password' of the pipeline",
    ),
    "an argument": (
        f"@fairing_component\ndef step(token: str): ...\n@dsl.pipeline\ndef flow(): step(token='{HIGH}')",
        "the argument 'token' of the task 'step'",
    ),
    "an argument in JSON": (
        f"@fairing_component\ndef step(conf: dict): ...\n@dsl.pipeline\ndef flow(): step(conf={{'db': {{'password': '{HIGH}'}}}})",
        "the argument 'conf' of the task 'step'",
    ),
    "a description": (
        f"{STEP}@dsl.pipeline(description='postgres://me:{HIGH}@db.internal/x')\ndef flow(): step()",
        "the pipeline's name or description contains a password inside a URL",
    ),
    "a variable": (
        f"{STEP}@dsl.pipeline\ndef flow(): step().set_env_variable('API_TOKEN', '{HIGH}')",
        "the environment variable API_TOKEN of the step 'step'",
    ),
    "an annotation": (
        f"from kfp import kubernetes\n{STEP}@dsl.pipeline\ndef flow():\n"
        f"    kubernetes.add_pod_annotation(step(), 'api-token', '{HIGH}')",
        "the Kubernetes settings of the step 'step'",
    ),
    "a display name": (
        f"{STEP}@dsl.pipeline\ndef flow(): step().set_display_name('password={HIGH}')",
        "the task 'step' in the pipeline",
    ),
    "an importer": (
        f"{STEP}@dsl.pipeline\ndef flow():\n"
        f"    dsl.importer(artifact_uri='s3://me:{HIGH}@store.internal/a', artifact_class=dsl.Dataset)\n    step()",
        "password inside a URL",
    ),
    "a component of kfp": (
        f"@dsl.component\ndef plain():\n    token = '{HIGH}'\n@dsl.pipeline\ndef flow(): plain()",
        "the program of the step 'plain' contains 'token'",
    ),
    "a container of kfp": (
        f"@dsl.container_component\ndef plain(): return dsl.ContainerSpec('busybox', ['sh'], ['--password', '{HIGH}'])\n"
        "@dsl.pipeline\ndef flow(): plain()",
        "the step 'plain' contains 'password'",
    ),
    "a mutator of a train step": (
        f"from fairing_kfp import job, mutators\n{STEP}@dsl.pipeline\ndef flow():\n"
        f"    job(step, mutators=[mutators.environment({{'API_TOKEN': '{HIGH}'}})])()",
        "'API_TOKEN'",
    ),
    "the default of an argument of argparse": (
        "step = fairing_component.from_script('main.py')\n@dsl.pipeline\ndef flow(): step()",
        "main.py contains '--token'",
    ),
}


@pytest.mark.parametrize("place", YAML)
def test_the_yaml_is_refused(place: str, load: Load, cache: Cache) -> None:
    text, says = YAML[place]
    script = (
        f"import argparse\np = argparse.ArgumentParser()\np.add_argument('--token', default='{HIGH}')\np.parse_args()\n"
    )
    own_image = f"registry.example.com/me/fairing-kfp@sha256:{'0' * 64}"  # not packed for each test
    assert says.replace("'--token'", "'token'") in refused(load(text, main_DOT_py=script), cache, own_image=own_image)


CODE = {
    "an own module": ("import lab\n@fairing_component\ndef step(): return lab.A", {"lab_DOT_py": f"A = 1\ntoken = '{HIGH}'\n"}, "lab.py contains 'token', which looks like a credential, in line 2"),
    "a data file of an own module": (
        "import lab\n@fairing_component(modules=['lab'])\ndef step(): return lab",
        {"lab____init___DOT_py": "", "lab__conf_DOT_yaml": f"password: {HIGH}\n"},
        "lab/conf.yaml contains 'password'",
    ),
    "an embedded file": (
        "@fairing_component(embedded_artifact_path='data')\ndef step(data: dsl.EmbeddedInput[dsl.Dataset]): ...",
        {"data___DOT_env": "A=1\n"},
        ".env contains credentials, as its name says",
    ),
    "a file": ("@fairing_component(files={'conf': '/etc/app'})\ndef step(): ...", {"conf__a_DOT_ini": f"secret = {HIGH}\n"}, "/etc/app/a.ini contains 'secret'"),
    "a file that is named": ("@fairing_component(files={'.netrc': '/etc/app/'})\ndef step(): ...", {"_DOT_netrc": "machine a\n"}, "/etc/app/.netrc contains credentials, as its name says"),
    "the folder of a script": (
        "step = fairing_component.from_script('app/main.py', include=['.'])",
        {"app__main_DOT_py": "print(1)\n", "app__conf__a_DOT_json": json.dumps({"apiKey": HIGH})},
        "conf/a.json contains 'apiKey'",
    ),
    "a notebook among the files": (
        "step = fairing_component.from_script('app/main.py', include=['.'])",
        {"app__main_DOT_py": "print(1)\n", "app__a_DOT_ipynb": json.dumps({"cells": [{"cell_type": "code", "source": "x", "outputs": [{"output_type": "stream", "text": f"token: {HIGH}"}]}]})},
        "cell 1 of a.ipynb contains 'token'",
    ),
    "a captured value": (f"VALUES = {{'password': b'{HIGH}'}}\n@fairing_component\ndef step(): return VALUES", {}, "'VALUES', captured by step, contains 'password'"),
    "a captured named tuple": (
        f"from collections import namedtuple\nLogin = namedtuple('Login', 'user password')\nME = Login('me', '{HIGH}')\n@fairing_component\ndef step(): return ME",
        {},
        "'ME', captured by step, contains 'password'",
    ),
    "a captured data class": (
        f"from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Login:\n    password: str\nME = Login('{HIGH}')\n@fairing_component\ndef step(): return ME",
        {},
        "'password'",
    ),
    "a docstring": (f"@fairing_component\ndef step():\n    '''Uses password={HIGH}.'''", {}, "contains 'password'"),
    "a variable of the image": (f"@fairing_component(env={{'API_TOKEN': '{HIGH}'}})\ndef step(): ...", {}, "env= (API_TOKEN) contains 'API_TOKEN'"),
    "a default": (f"@fairing_component\ndef step(token: str = '{HIGH}'): ...", {}, "gate_flow.step contains 'token'"),
}  # fmt: skip


@pytest.mark.parametrize("place", CODE)
def test_code_and_files_are_refused(place: str, load: Load, cache: Cache) -> None:
    text, files, says = CODE[place]
    assert says in refused(load(f"{text}\n@dsl.pipeline\ndef flow(): step()\n", **files), cache)


def test_a_notebook_is_refused(load: Load, cache: Cache, tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_code_cell(f"%env API_TOKEN={HIGH}")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    flow = load("step = fairing_component.from_notebook('a.ipynb')\n@dsl.pipeline\ndef flow(): step()\n")
    assert "cell 2 of a.ipynb contains 'API_TOKEN'" in refused(flow, cache)


def test_unchanged_texts_of_a_yaml_without_credentials_are_not_searched_again(
    load: Load, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []

    def search(specification: Any) -> list[Any]:
        searched.append(specification.document["root"]["inputDefinitions"]["parameters"]["depth"]["defaultValue"])
        return []

    monkeypatch.setattr(yaml_secrets, "find_secrets", search)
    made = load(
        "@fairing_component\ndef step(depth: list): ...\n"
        "def flow(default):\n"
        "    @dsl.pipeline\n    def flow(depth: list = default): step(depth=depth)\n"
        "    return flow\n"
    )
    for default in ([1], [1], [2], ["a"], ["b"], ["b"], [3]):
        fairing_kfp.compile(made(default), builder=StandInBuilder(), cache=cache)
    assert searched == [[1], ["a"], ["b"]]  # numbers are not searched


def test_what_is_allowed_once_is_refused_without_the_permission(load: Load, cache: Cache) -> None:
    flow = load(f"{STEP}@dsl.pipeline\ndef flow(password: str = '{HIGH}'): step()")
    for _ in range(2):
        fairing_kfp.compile(flow, builder=StandInBuilder(), cache=cache, allow_secrets=["password"])
        assert "password" in refused(flow, cache)


def test_an_example_of_settings_passes(load: Load, cache: Cache) -> None:
    flow = load(
        "@fairing_component(files={'.env.example': '/etc/app/'})\ndef step(): ...\n@dsl.pipeline\ndef flow(): step()\n",
        _DOT_env_DOT_example="PASSWORD=changeme\n",
    )
    assert fairing_kfp.compile(flow, builder=StandInBuilder(), cache=cache).images


ALL = f"""
TOKEN = "{HIGH}"
@fairing_component(files={{"conf.yaml": "/etc/app/"}}OPTIONS)
def step(depth: int = 1): return TOKEN
@dsl.pipeline
def flow(password: str = "{HIGH[::-1]}"): step()
"""


@pytest.mark.parametrize("by", ["names", "fingerprints", "options", "pyproject.toml"])
def test_what_its_author_allows_passes_and_is_listed(by: str, load: Load, cache: Cache, tmp_path: Path) -> None:
    entries = ["TOKEN", "etc/app/conf.yaml", "password"]
    if by == "fingerprints":
        entries = [fingerprint_of(value) for value in (HIGH, f"1{HIGH}", HIGH[::-1])]
    if by == "pyproject.toml":
        (tmp_path / "pyproject.toml").write_text(f"[tool.fairing-kfp]\nallow_secrets = {json.dumps(entries)}\n")
    options = f", allow_secrets={entries!r}" if by == "options" else ""
    flow = load(ALL.replace("OPTIONS", options), conf_DOT_yaml=f"api_key: 1{HIGH}\n")
    settings = {"allow_secrets": entries} if by in ("names", "fingerprints") else {}

    if settings:
        refused(flow, cache, allow_secrets=entries[:2])
    assert fairing_kfp.compile(flow, builder=StandInBuilder(), cache=cache, **settings).images
    (item,) = fairing_kfp.explain(flow, cache=cache, **settings)
    assert {one.value for one in item.allowed} == {HIGH, f"1{HIGH}"}
    assert [one.value for one in item.allowed_in_pipeline] == [HIGH[::-1]]


def test_a_comment_allows_a_line_in_all_that_is_made_of_it(load: Load, cache: Cache) -> None:
    mark = "  # fairing-kfp: allow-secret"
    text = (
        f"TOKEN = '{HIGH}'{mark}\n"
        f"@fairing_component\ndef step(secret: str = '2{HIGH}'):{mark}\n    return TOKEN\n"
        f"@dsl.pipeline\ndef flow(password: str = '3{HIGH}'):{mark}\n    step()\n"
    )
    assert fairing_kfp.compile(load(text), builder=StandInBuilder(), cache=cache).images
    assert "'password'" in refused(load(text.replace(f"'3{HIGH}'):{mark}", f"'3{HIGH}'):")), cache)


def test_commands_refuse_and_allow(load: Load, tmp_path: Path) -> None:
    load(f"{STEP}@dsl.pipeline\ndef flow(password: str = '{HIGH}'): step()\n")
    code, output = command("compile", "gate_flow.py", "--builder", "layout:images")
    assert code == 2
    assert fingerprint_of(HIGH) in output
    assert HIGH not in output
    assert not (tmp_path / "images").exists()
    code, output = command("explain", "gate_flow.py", "--allow-secret", fingerprint_of(HIGH))
    assert code == 0
    assert "allowed: the default of the parameter 'password'" in " ".join(output.split())
    code, output = command("explain", "gate_flow.py", "--json", "--allow-secret", "password")
    (allowed,) = json.loads(output)[0]["allowed_secrets"]
    assert (allowed["name"], allowed["by"]) == ("password", "allow_secrets='password'")
