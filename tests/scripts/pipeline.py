"""A pipeline of many scripts, each of which prints what it was given."""

from kfp import dsl

from fairing_kfp import fairing_component

CLI = ["click==8.1.8", "typer==0.15.4", "fire==0.7.1"]
script = fairing_component.from_script

positional = script("positional.py")
switches = script("switches.py")
lists = script("lists.py")
shared_parsers = script("shared_parsers.py")
subcommands = script("subcommands.py", command="train")
known = script("known.py", arguments={"--extra": str})
typed = script("typed.py")
click_command = script("click_command.py", packages=CLI)
click_group = script("click_group.py", command="learn", packages=CLI)
typer_run = script("typer_run.py", packages=CLI)
typer_app = script("typer_app.py", packages=CLI)
fire_function = script("fire_function.py", packages=CLI)
fire_class = script("fire_class.py", command="train", packages=CLI)
by_hand = script("by_hand.py", arguments={"--depth": int, "--fast": False, "first": str})
module = script(module="study.train")
src_layout = script(module="course", root="layout/src")
reads_files = script(
    "reads_files.py",
    include=["conf"],
    exclude=["**/*.txt"],
    files={"layout/src/course/lessons.py": "conf/lessons.txt"},
)
imports = script("imports.py")
spawns = script("spawns.py")
writes = script(
    "writes.py",
    include=["conf/settings.ini"],
    arguments={"--model": dsl.Output[dsl.Model], "--accuracy": dsl.OutputPath(float), "--scans": "none"},
)
reads_artifact = script("reads_artifact.py", arguments={"model": dsl.Input[dsl.Model]})
options_of_another = script("options_of_another.py", arguments={"--depth": 9, "--force": bool})
latin = script("latin.py")
folders = script("folders.py", arguments={"--model-dir": dsl.Output[dsl.Model], "--extra": dsl.Output[dsl.Model]})
nested = script("click_nested.py", command="data load", packages=CLI)
computed = script("computed.py", arguments={"--alpha": 2.0})
fails = script("fails.py", arguments={"--number": dsl.OutputPath(int)})


def _command_lines():
    positional(scans="my scans", classes=[1, 2], kind="line", seed=3)
    switches(shuffle=True, cache=False, progress=False, warm=False, verbose=2, lambda_=0.5)
    lists(tag=["a", "-b"], sizes=[4], more=[], names=["c", "d"], files=["x", "-y"])
    shared_parsers(hours=1.5, host="example.com")
    subcommands(debug=True, depth=4, scans="-scans")
    known(depth=4, extra="-x")
    typed(
        folder="out",
        settings={"a": [1, 2.5]},
        points=[1, 2],
        strict=False,
        fair=True,
        epochs=3,
        words="b,c",
        offset=-0.5,
        title="--title",
    )
    click_group(seed=5, depth=4)
    typer_run(scans="-s", rate=0.25, names=["a", "b"], force=True, limit=-1.5, kind="line")
    typer_app(scans="s", depth=4, kind="line", cache=False, seeds=[1, 2])
    fire_function(scans="12", depth=4, words=["a", 1], title="3", settings={"a": "None", "b": [True]}, fast=True)
    fire_class(depth=4, epochs=3, name="-n")
    by_hand(depth=4, fast=True, first="one")
    options_of_another(force=True)
    computed()
    nested(seed=5, root="x", places=["a", "-b"])


def _in_image():
    """Scripts whose files, modules or packages have to be in the image."""
    click_command(
        depth=4,
        rate=0.25,
        shout=False,
        force=True,
        tags=["-a", "b"],
        size=[4, 2],
        kind="line",
        verbose=2,
        scans="s",
        rest=["-r"],
    )
    module(depth=4)
    src_layout()
    reads_files()
    imports()
    spawns()
    written = writes()
    reads_artifact(model=written.outputs["model"], accuracy=written.outputs["accuracy"])
    latin()
    folders()


@dsl.pipeline
def scripts():
    _command_lines()
    _in_image()


@dsl.pipeline
def in_image():
    _in_image()


@dsl.pipeline
def failing(how: str):
    fails(how=how)
