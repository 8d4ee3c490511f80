"""The properties of every packed function; the functions are in `tests/corpus`."""

from __future__ import annotations

import ast
import compileall
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.local.root import bare_python
from fairing_kfp.recipe.runtime_layer import runtime_files
from tests.support import corpus_packer
from tests.support.corpus_packer import FILES
from tests.support.paths import TESTS, TOP

CORPUS = TESTS / "corpus"
SUPPORT = str(TESTS / "support")
AS_SCRIPT = f"import sys; sys.path.append({SUPPORT!r}); import corpus_packer; corpus_packer.main(globals())"
STEPS = """
import json, os, runpy, sys

sys.path.insert(0, sys.argv[1])
from fairing_runtime import main
sys.path.pop(0)
for root, given in json.load(sys.stdin):
    if not os.fork():
        os.chdir(os.path.join(root, "..", ".."))
        sys.argv = [os.path.join(root, "runtime", "step.py"), "--executor_input", given]
        runpy.run_path(sys.argv[0], run_name="__main__")
    _, status = os.wait()
    if status:
        sys.exit(f"{root} failed")
"""
"""Runs steps, each in a process, forked from one that has the runtime: importing it takes longer than the step."""
MUTATION = re.compile(r"^(?P<old>.*?)  #> (?P<new>.*?)(?: \[(?P<cases>(?:case_\w+|\*)(?:, case_\w+)*)\])?$")


def run(arguments: list[str], seed: int, given: str = "", **env: str) -> Any:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**inherited, "PYTHONPATH": str(TOP), "PYTHONHASHSEED": str(seed), **env},
        cwd=env.get("HOME"),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def pack(how: str, folder: Path, seed: int, **env: str) -> dict[str, str]:
    return run([str(TESTS / "support" / "corpus_packer.py"), how, str(folder), *FILES], seed, **env)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Path]:
    """A copy of the corpus that everybody may read, in a folder of another depth."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        copy = Path(made) / "a longer" / "path" / "to it"
        shutil.copytree(CORPUS, copy, ignore=shutil.ignore_patterns("__pycache__"))
        yield copy


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the corpus that is not compiled yet."""
    copy = tmp_path_factory.mktemp("checkout") / "corpus"
    shutil.copytree(CORPUS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture(scope="module")
def reference(checkout: Path) -> dict[str, str]:
    """The digests as a plain import gives them, compiled just now; its `.pyc` files are kept."""
    return pack("import", checkout, 0)


def same(left: dict[str, str], right: dict[str, str]) -> None:
    assert {name for name in left if left[name] != right.get(name)} == set()


def test_the_corpus_is_large(reference: dict[str, str]) -> None:
    assert len(reference) >= 90
    assert len(set(reference.values())) == len(reference)


def test_compiled_before_with_another_seed_folder_and_home(
    reference: dict[str, str], tmp_path: Path, checkout: Path
) -> None:
    assert list(checkout.rglob("shapes*.pyc"))
    same(reference, pack("import", checkout, 1, HOME=str(tmp_path), USER="somebody"))


def test_another_checkout_and_another_user(reference: dict[str, str], elsewhere: Path) -> None:
    """Only root can become another user."""
    user = {"AS_NOBODY": "1"} if os.getuid() == 0 else {}
    same(reference, pack("import", elsewhere, 3, PYTHONDONTWRITEBYTECODE="1", **user))


def test_loaded_by_the_command_line(reference: dict[str, str]) -> None:
    same(reference, pack("load", CORPUS, 4))


def test_run_as_a_script(reference: dict[str, str], elsewhere: Path) -> None:
    same(reference, pack("script", elsewhere, 5, PACK=AS_SCRIPT))
    made = run([str(elsewhere / "literals.py")], 5, PACK=AS_SCRIPT)  # as Python runs it
    assert made.items() <= reference.items()


# ── edits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def mutated(file: str) -> list[tuple[set[str] | None, str]]:
    """Mutated texts of a file, each with the cases that it changes; None for all.

    Some eight mutations of different cases, which are far apart in the file, are applied together: a case that changes
    and should not is still seen, and the corpus is packed an eighth as often.
    """
    lines = (CORPUS / file).read_text().splitlines()
    found = list(mutations(file))
    alone = [({number: line}, None) for number, line, cases in found if cases is None]
    groups: list[tuple[dict[int, str], set[str]]] = [({}, set()) for _ in range(0, len(found), 8)]
    for number, line, cases in found:
        if cases is not None:
            fitting = [group for group in groups if not cases & group[1]]
            if not fitting:
                fitting = [({}, set())]
                groups += fitting
            changed, touched = min(fitting, key=lambda group: len(group[0]))
            changed[number] = line
            touched |= cases
    return [
        (cases, "\n".join(changed.get(number, line) for number, line in enumerate(lines)) + "\n")
        for changed, cases in [*alone, *groups]
        if changed
    ]


def mutations(file: str) -> Iterator[tuple[int, str, set[str] | None]]:
    """Each mutated line of a file with its number, and the cases that it changes; None for all."""
    lines = (CORPUS / file).read_text().splitlines()
    case = ""
    for number, line in enumerate(lines):
        started = re.match(r"def (case_\w+)|class |def |\S", line)
        if started:
            case = started.group(1) or ""
        found = MUTATION.match(line)
        if found:
            names = set(found["cases"].split(", ")) if found["cases"] else {case}
            assert names - {""}, f"{file}:{number + 1} names no case"
            yield number, found["new"], None if names == {"*"} else names


def apart(file: str) -> str:
    """The file with comments and blank lines above all that it defines, and its cases in reverse order."""
    text = (CORPUS / file).read_text()
    defined = [node for node in ast.parse(text).body if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.If))]
    starts = [min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1 for node in defined]
    lines = text.splitlines()
    blocks = ["\n".join(lines[start:end]).rstrip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
    cases = [number for number, block in enumerate(blocks) if block.startswith("def case_")]
    turned = dict(zip(cases, reversed(cases), strict=True))
    parted = [f"\n\n\n# A comment.\n{blocks[turned.get(number, number)]}" for number in range(len(blocks))]
    return "\n".join([*lines[: starts[0]], *parted, ""])


@pytest.fixture(scope="module")
def after_edits(elsewhere: Path) -> dict[str, list[tuple[set[str] | None, dict[str, str]]]]:
    """For each file the digests after each mutation with the cases it changes; what changes none is `apart`."""
    edits: dict[str, list[tuple[set[str] | None, dict[str, str]]]] = {
        file: [(set(), {file: apart(file)}), *((cases, {file: text}) for cases, text in mutated(file))]
        for file in FILES
    }
    for own in ("lab/shelf.py", "lab/deep/reached.py", "space/tools.py"):
        edits["calls.py"] += [(cases, {own: text}) for cases, text in mutated(own)]
    folder = elsewhere.parent / "edited"
    shutil.copytree(elsewhere, folder)
    work = [(file, [edit for _, edit in edits[file]]) for file in FILES]
    script = str(TESTS / "support" / "corpus_packer.py")
    answers = run([script, "edit", str(folder)], 6, json.dumps(work), PYTHONDONTWRITEBYTECODE="1")
    return {
        file: list(zip((cases for cases, _ in edits[file]), made, strict=True))
        for file, made in zip(FILES, answers, strict=True)
    }


@pytest.mark.parametrize("file", FILES)
def test_mutations_change_what_they_touch_and_nothing_else(
    file: str, reference: dict[str, str], after_edits: dict[str, list[tuple[set[str] | None, dict[str, str]]]]
) -> None:
    everything = {name for name in reference if name in after_edits[file][0][1]}
    touched = set()
    for cases, made in after_edits[file]:
        assert "error" not in made, made["error"]
        changed = {name for name in everything if made[name] != reference[name]}
        assert changed == (everything if cases is None else cases)
        touched |= cases or set()
    assert touched == everything, "a case without a mutation"


# ── in a step ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bare_python(Cache(tmp_path_factory.mktemp("bare")))


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the runtime, compiled."""
    folder = tmp_path_factory.mktemp("runtime")
    for part in runtime_files():
        place = folder / part.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(part.data)
    compileall.compile_dir(folder, quiet=1)
    return folder / "opt" / "fairing" / "runtime"


@pytest.mark.parametrize("file", FILES)
def test_the_same_result_in_a_step(
    file: str, python: Path, runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(CORPUS))
    module = vars(corpus_packer.load("import", str(CORPUS), file))
    roots = {}
    for name, bundle in corpus_packer.packed(module).items():
        roots[name] = tmp_path / name / "opt" / "fairing"
        for part in bundle.files:
            place = tmp_path / name / part.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(part.data)
        (roots[name] / "runtime").symlink_to(runtime)

    outputs = {name: tmp_path / name / "output.json" for name in roots}
    steps = [
        (
            str(roots[name]),
            json.dumps(
                {
                    "inputs": {},
                    "outputs": {"parameters": {"Output": {"outputFile": f"{out}.o"}}, "outputFile": str(out)},
                }
            ),
        )
        for name, out in outputs.items()
    ]
    done = subprocess.run(
        [python, "-c", STEPS, runtime],
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": "7"},
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    made = {name: json.loads(out.read_text())["parameterValues"] for name, out in outputs.items()}

    def here(name: str) -> Any:
        result = getattr(module[name], "python_func", module[name])()
        return result._asdict() if isinstance(result, tuple) else {"Output": result}

    assert made == {name: here(name) for name in roots}


@pytest.mark.parametrize("file", ["literals.py", "shapes.py", "hinted.py", "annotated.py", "lab/steps.py"])
def test_use_before_packing_changes_nothing(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(CORPUS))
    module = vars(corpus_packer.load("import", str(CORPUS), file))
    before = corpus_packer.digests(module)
    for name in before:
        getattr(module[name], "python_func", module[name])()
    for value in list(module.values()):
        if isinstance(value, type) and value.__module__ == module["__name__"]:
            assert value.__annotations__ is not None  # which makes them where there are none
            assert pickle.dumps(value.__name__)
    after = corpus_packer.digests(module)
    assert {name for name in before if before[name] != after[name]} <= {"case_descriptors"}  # which counts
