"""Typical mistakes of authors, whose messages are kept in tests/golden/messages."""

from __future__ import annotations

from dataclasses import dataclass

COMPONENTS = """\
import datetime
from typing import NamedTuple
from kfp import dsl
from fairing_kfp import fairing_component

Parts = NamedTuple("Parts", [("train", int), ("test", int)])

@fairing_component
def say(word: str, times: int = 1, options: dict = {}) -> str:
    return word * times

@fairing_component
def lines(text: str) -> list:
    return text.splitlines()

@fairing_component
def split(rows: int) -> Parts:
    return Parts(rows, 1)

@fairing_component
def train(depth: int, model: dsl.Output[dsl.Model]) -> None: ...

@fairing_component
def judge(model: dsl.Input[dsl.Model], least: float = 0.5) -> float:
    return least

@fairing_component
def report(status: dsl.PipelineTaskFinalStatus) -> None: ...

"""
"""The components of pipelines in this catalogue."""


@dataclass(frozen=True)
class Mistake:
    """A mistake in a file, a command line or a cell.

    Attributes:
        title: what is wrong, in a few words.
        code: what the author wrote: the function of a pipeline, or what `whole` says.
        command: the command that shows it; empty for code of Python, which is run as a cell.
        whole: whether the code is the whole file, without `COMPONENTS`.
    """

    title: str
    code: str = ""
    command: str = "compile digits.py"
    whole: bool = False


def _pipeline(title: str, body: str, parameters: str = "", returns: str = "") -> Mistake:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    arrow = f" -> {returns}" if returns else ""
    return Mistake(title, f"@dsl.pipeline\ndef digits({parameters}){arrow}:\n{lines}")


def _component(title: str, code: str) -> Mistake:
    return Mistake(title, code)


def _cell(title: str, code: str) -> Mistake:
    return Mistake(title, code, "")


def _command(
    title: str, command: str, code: str = "@dsl.pipeline\ndef digits(depth: int):\n    train(depth=depth)\n"
) -> Mistake:
    return Mistake(title, code, command)


FILES = (
    Mistake(
        "a key is missing while the file is imported",
        "options = {}\n\ndef word():\n    return options['word']\n\nWORD = word()\n",
    ),
    _pipeline("the pipeline's own code fails", "say(word=WORDS[0])"),
    Mistake("a syntax error", "def digits(:\n    pass\n", whole=True),
    Mistake("a missing module", "import no_such_module\n", whole=True),
    Mistake("the file ends Python", "import sys\nsys.exit('usage: …')\n", whole=True),
    Mistake(
        "from __future__ import annotations",
        f"from __future__ import annotations\n{COMPONENTS}@dsl.pipeline\ndef digits(word: str):\n    say(word=word)\n",
        whole=True,
    ),
    _pipeline("a keyword-only parameter", "say(word=word)", "*, word: str"),
    _pipeline("a parameter without a type", "say(word=word)", "word"),
    _pipeline("a parameter of a type that KFP does not have", "say(word=day)", "day: datetime.date"),
    _pipeline("a default of another type", "say(word='x')", "depth: int = 'x'"),
    _pipeline("None in a default", "say(word='x')", "options: dict = {'rate': None}"),
    _pipeline("an infinite default", "say(word='x')", "rate: float = float('inf')"),
    Mistake("no pipeline in the file", ""),
    Mistake(
        "several pipelines",
        "@dsl.pipeline\ndef one():\n    say(word='x')\n\n@dsl.pipeline\ndef two():\n    say(word='x')\n",
    ),
    _command("another name", "compile digits.py:digit"),
    _command("no such file", "compile digit.py"),
    _command("no such module", "compile lab.digits"),
    _command("a folder", "compile ."),
    _command("compiled YAML", "compile digits.yaml"),
)

TASKS = (
    _pipeline("an argument by position", "say('hello')"),
    _pipeline("a misspelled argument", "say(wrod='hello')"),
    _pipeline("a missing argument", "say(times=3)"),
    _pipeline("a wrong type", "say(word=3)"),
    _pipeline("None", "say(word=None)"),
    _pipeline("None in a dictionary", "say(word='x', options={'optimizer': {'rate': None}})"),
    _pipeline("a key that is no text", "say(word='x', options={1: 'one'})"),
    _pipeline("infinity", "judge(model=train(depth=1).outputs['model'], least=float('inf'))"),
    _pipeline("an object", "say(word=object)"),
    _pipeline("a task instead of its output", "say(word=say(word='x'))"),
    _pipeline("a task with several outputs", "say(word='x', times=split(rows=9))"),
    _pipeline("an output that is passed", "train(depth=3, model='model')"),
    _pipeline("a path instead of an artifact", "judge(model='gs://bucket/model')"),
    _pipeline("an artifact instead of a value", "say(word=train(depth=3).outputs['model'])"),
    _pipeline("an artifact made in the pipeline", "judge(model=dsl.Model(uri='gs://bucket/model'))"),
    _pipeline("an output that does not exist", "say(word=split(rows=9).outputs['rest'])"),
    _pipeline("`.output` of several", "say(word='x', times=split(rows=9).output)"),
)

PIPELINES = (
    _pipeline("no task", "pass"),
    _pipeline("arithmetic with a parameter", "train(depth=depth + 1)", "depth: int"),
    _pipeline("a loop of Python", "for line in lines(text='a b').output:\n    say(word=line)"),
    _pipeline("a number in an f-string", "say(word=f'{rate:.2f}')", "rate: float"),
    _pipeline("a constant condition", "with dsl.If(3 > 2):\n    say(word='x')"),
    _pipeline("a condition on a list", "with dsl.If(lines(text='x').output == ['x']):\n    say(word='x')"),
    _pipeline("a loop over a number", "with dsl.ParallelFor(3) as number:\n    train(depth=number)"),
    _pipeline(
        "a loop over a parameter that is no list",
        "with dsl.ParallelFor(depth) as one:\n    train(depth=one)",
        "depth: int",
    ),
    _pipeline("a loop over nothing", "with dsl.ParallelFor([]) as one:\n    say(word=one)"),
    _pipeline(
        "an output of a loop",
        "with dsl.ParallelFor(['a', 'b']) as one:\n    said = say(word=one)\nsay(word=said.output)",
    ),
    _pipeline(
        "an item outside of its loop", "with dsl.ParallelFor(['a', 'b']) as one:\n    say(word=one)\nsay(word=one)"
    ),
    _pipeline(
        "an output of a condition",
        "with dsl.If(depth > 3):\n    said = say(word='x')\nsay(word=said.output)",
        "depth: int",
    ),
    _pipeline(
        "OneOf without Else",
        "with dsl.If(depth > 3):\n    said = say(word='x')\nsay(word=dsl.OneOf(said.output))",
        "depth: int",
    ),
    _pipeline("Else without If", "with dsl.Else():\n    say(word='x')"),
    _pipeline("a returned output without a type", "return say(word='x').output"),
    _pipeline("a type without a returned output", "say(word='x')", returns="str"),
    _pipeline("a returned task", "return say(word='x')", returns="str"),
    _pipeline("a returned value", "say(word='x')\nreturn 3", returns="int"),
    _pipeline("a returned output of another type", "return say(word='x').output", returns="int"),
    _pipeline("an exit task outside of ExitHandler", "report()"),
    _pipeline(
        "an exit task with a predecessor", "with dsl.ExitHandler(report().after(say(word='x'))):\n    say(word='y')"
    ),
    _pipeline(
        "ExitHandler in a condition",
        "done = report()\nwith dsl.If(depth > 1):\n    with dsl.ExitHandler(done):\n        say(word='x')",
        "depth: int",
    ),
    _pipeline("CPUs", "say(word='x').set_cpu_limit('4 cores')"),
    _pipeline("memory", "say(word='x').set_memory_limit('16 GB')"),
    _pipeline("accelerators", "say(word='x').set_accelerator_limit('one')"),
    _pipeline("a duration", "say(word='x').set_retry(3, backoff_duration='soon')"),
    _pipeline(
        "an importer without its workspace",
        "dsl.importer(artifact_uri='gs://b/x', artifact_class=dsl.Model, download_to_workspace=True)",
    ),
    _pipeline("after a name", "say(word='x').after('train')"),
    _pipeline("a variable that is no text", "say(word='x').set_env_variable('N', 3)"),
    _pipeline("a pipeline in a pipeline", "@dsl.pipeline\ndef inner():\n    say(word='x')\ninner()"),
    _pipeline("a method that does not exist", "say(word='x').set_cpu('4')"),
    Mistake("a condition outside of a pipeline", "with dsl.ParallelFor([1]) as one:\n    train(depth=one)\n"),
)

DECLARATIONS = (
    _component("a parameter without a type", "@fairing_component\ndef step(word): ...\n"),
    _component("a type that KFP does not have", "@fairing_component\ndef step(value: complex): ...\n"),
    _component("a default of another type", "@fairing_component\ndef step(depth: int = 'x'): ...\n"),
    _component("a name that is not imported", "@fairing_component\ndef step(frame: 'pd.DataFrame'): ...\n"),
    _component("a starred parameter", "@fairing_component\ndef step(*words: str): ...\n"),
    _component("a coroutine", "@fairing_component\nasync def step(word: str): ...\n"),
    _component("a predictor without methods", "@fairing_component\nclass Digits: ...\n"),
    _component("a misspelled option", "@fairing_component(package=['numpy'])\ndef step(): ...\n"),
    _component("packages in one string", "@fairing_component(packages='numpy')\ndef step(): ...\n"),
    _component("a version as a number", "@fairing_component(python_version=3.12)\ndef step(): ...\n"),
    _component("a platform without a system", "@fairing_component(platforms=['arm64'])\ndef step(): ...\n"),
    _component("a variable that is no text", "@fairing_component(env={'THREADS': 4})\ndef step(): ...\n"),
    _component("a secret without a key", "@fairing_component(secrets={'TOKEN': 'store'})\ndef step(): ...\n"),
    _component("a tag with a blank", "@fairing_component(tag='version 1')\ndef step(): ...\n"),
    _component("an unknown builder", "@fairing_component(builder='kaniko')\ndef step(): ...\n"),
    _component("a script that does not exist", "step = fairing_component.from_script('trian.py')\n"),
    _component("a notebook that does not exist", "step = fairing_component.from_notebook('trian.ipynb')\n"),
)

COMMANDS = (
    _command("an unknown parameter", "run digits.py -p dept=3"),
    _command("a missing parameter", "run digits.py"),
    _command("a parameter of another type", "run digits.py -p depth=deep"),
    _command("no registry", "compile digits.py"),
    _command("a registry with its scheme", "compile digits.py --registry https://registry.example.com/me"),
    _command("an unknown builder", "compile digits.py --registry localhost:1/me --builder kaniko"),
    _command(
        "a registry that is not there",
        "compile digits.py --registry localhost:1/me --base-image localhost:1/python:3 --insecure localhost:1",
    ),
    _command("no Docker", "compile digits.py --builder docker"),
    _command("no host", "submit digits.py --registry localhost:1/me -p depth=3"),
    _command(
        "no Kubeflow Pipelines", "submit digits.py --registry localhost:1/me --host http://localhost:1 -p depth=3"
    ),
    _command(
        "a builder that pushes nothing", "submit digits.py --builder dry-run --host http://localhost:1 -p depth=3"
    ),
    _command("no cluster", "undeploy digits"),
    _command("no predictor", "serve digits.py"),
)

CELLS = (
    _cell("a parameter as an option", "fairing_kfp.run(digits, depth=4)"),
    _cell("parameters in one string", "fairing_kfp.run(digits, 'depth=4')"),
    _cell("an unknown parameter", "fairing_kfp.run(digits, {'dept': 4})"),
    _cell("another runner", "fairing_kfp.run(digits, {'depth': 4}, runner='podman')"),
    _cell("a registry instead of a list", "fairing_kfp.compile(digits, insecure='localhost:5000')"),
    _cell("a misspelled option", "fairing_kfp.compile(digits, registy='registry.example.com/me')"),
    _cell("something else than a pipeline", "fairing_kfp.run(print)"),
    _cell("a component without its artifacts", "train(depth=3)"),
    _cell(
        "a task of a built-in step outside of a pipeline",
        "fairing_kfp.serve('registry.example.com/server:1', name='digits')",
    ),
    _cell("a job with a misspelled option", "fairing_kfp.job(train, node=2)"),
    _cell("a job with a number in quotes", "fairing_kfp.job(train, nodes='2')"),
    _cell(
        "a server with a wrong number", "fairing_kfp.serve('registry.example.com/server:1', name='digits', replicas=0)"
    ),
)

GROUPS = {
    "files": FILES,
    "tasks": TASKS,
    "pipelines": PIPELINES,
    "declarations": DECLARATIONS,
    "commands": COMMANDS,
    "cells": CELLS,
}
