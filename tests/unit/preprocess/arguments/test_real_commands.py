"""Command lines of argparse, click and typer with sub-commands, shared parsers and switches, read by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from kfp import dsl

from fairing_kfp.errors import ComponentError
from tests.support.scripts import Run, inputs

NESTED_ARGPARSE = """
    import argparse
    def add_common(it):
        it.add_argument("--seed", type=int, default=1)
    def add_load(commands):
        parser = commands.add_parser("load")
        parser.add_argument("place")
    def make():
        parser = argparse.ArgumentParser()
        parser.add_argument("--debug", action="store_true")
        commands = parser.add_subparsers(dest="command")
        p = commands.add_parser("train")
        add_common(p)
        p.add_argument("--depth", type=int)
        p = commands.add_parser("judge")
        p.add_argument("--limit", type=float)
        data = commands.add_parser("data")
        data.add_argument("--root", default="r")
        inner = data.add_subparsers(dest="inner", required=True)
        add_load(inner)
        inner.add_parser("drop", help="drop it").add_argument("--all", action="store_true")
        return parser
    parser = make()
    parser.add_argument("--late", type=int)
    show({k: v for k, v in vars(parser.parse_args()).items() if v is not None})
"""


@pytest.mark.parametrize(
    ("command", "values", "more"),
    [
        ("train", {"debug": True, "late": 2, "seed": 3, "depth": 4}, {}),
        ("judge", {"limit": 0.5}, {"debug": False}),
        ("data load", {"root": "x", "place": "-p", "debug": True}, {"inner": "load"}),
        ("data  drop", {"all": True}, {"inner": "drop", "root": "r", "debug": False}),
        ("", {"late": 3}, {"debug": False}),
    ],
)
def test_nested_sub_commands_of_argparse(run: Run, command: str, values: dict[str, Any], more: dict[str, Any]) -> None:
    found = run(NESTED_ARGPARSE, values, command=command)

    assert found.pop("command", "") == command.partition(" ")[0]
    assert found == {**values, **more}


def test_sub_commands_are_optional_unless_the_parser_requires_one() -> None:
    assert "runs none of its sub-commands (train, judge, data drop, data load)" in inputs(NESTED_ARGPARSE).warnings[0]
    with pytest.raises(ComponentError, match=r'has sub-commands: train, .*\n.*command="train"'):
        inputs(NESTED_ARGPARSE.replace('dest="command"', 'dest="command", required=True'))


OTHERS = """
    import argparse
    def add_more(parser):
        parser.add_argument("--more", type=int)
        return parser
    base = argparse.ArgumentParser(add_help=False)
    base.add_argument("--base", type=int)
    def make_parser():
        return argparse.ArgumentParser(parents=[base])
"""


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("others.add_more(parser)", "--more"),
        ("parser = others.add_more(parser)\nparser.add_argument('--mine', type=int)", "--more"),
        ("group = parser.add_argument_group('x')\nothers.add_more(group)", "--more"),
        ("parser = argparse.ArgumentParser(parents=[others.base])\nparser.add_argument('--own', type=int)", "--base"),
        ("parents = [others.base]\nparser = argparse.ArgumentParser(parents=parents)", "--base"),
        ("parser = others.make_parser()\nparser.add_argument('--mine', type=int)", "--base"),
        ("parser = others.make_parser()", "--base"),
    ],
)
def test_arguments_that_others_add_can_be_declared(run: Run, text: str, declared: str) -> None:
    made = (
        ""
        if "make_parser" in text or "parents" in text
        else "parser = argparse.ArgumentParser()\nparser.add_argument('--own', type=int)\n"
    )
    script = f"import argparse\nimport others\n{made}{text}\nshow(vars(parser.parse_args()))\n"
    others = OTHERS.replace("\n    ", "\n")

    (warning,) = inputs(script).warnings
    assert "adds" in warning or "made elsewhere" in warning
    assert "declare it in arguments=" in warning
    assert not inputs(script, {declared: int}).warnings
    name = declared.strip("-")
    assert run(script, {name: 3}, {declared: int}, others=others)[name] == 3


def test_parsers_made_elsewhere_are_a_warning() -> None:
    for text in (
        "from options import parser\nargs = parser.parse_args()",
        "import options\nargs = options.get_parser().parse_args()",
        "from options import Options\nargs = Options().parse_args()",
    ):
        (warning,) = inputs(text).warnings
        assert "a parser that is made elsewhere" in warning


def test_own_functions_add_to_the_parsers_that_they_receive(run: Run) -> None:
    text = """
        import argparse
        class Model:
            @staticmethod
            def add_args(parent):
                parser = argparse.ArgumentParser(parents=[parent], add_help=False)
                parser.add_argument("--width", type=int)
                return parser
            def more(self, parser, prefix=""):
                parser.add_argument("--height", type=int)
        def finish(*, parser):
            parser.add_argument("--depth", type=int)
            return parser.parse_args()
        parser = argparse.ArgumentParser()
        parser.add_argument("--seed", type=int)
        print(parser)
        parser = Model.add_args(parser)
        Model().more(parser)
        show(vars(finish(parser=parser)))
    """
    values = {"seed": 1, "width": 2, "height": 3, "depth": 4}
    assert run(text, values) == values
    assert not inputs(text).warnings


@pytest.mark.parametrize(
    ("line", "given", "words"),
    [
        ('"--warm", action="store_true", default=True', True, []),
        ('"--warm", action="store_true", default=True', False, None),
        ('"--cold", action="store_false", default=False', True, None),
        ('"--warm", action="store_true"', False, []),
        ('"--warm", action="store_true", default=None', False, []),
        ('"--plus", nargs="+"', [], None),
        ('"--plus", nargs="+", default=["a"]', [], None),
        ('"--plus", nargs="+", default=[]', [], []),
        ('"--star", nargs="*", default=["a"]', [], ["--star"]),
        ('"files", nargs="+"', [], None),
        ('"files", nargs="*"', [], []),
    ],
)
def test_values_that_the_parser_cannot_take_are_refused(line: str, given: Any, words: list[str] | None) -> None:
    made = inputs(f"import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument({line})\n")
    (parameter,) = made.parameters
    if words is not None:
        assert made.line.words({parameter.name: given}) == words
        return
    with pytest.raises(ValueError, match=f"{parameter.name if '--' in line else 'positional'}.* cannot be "):
        made.line.words({parameter.name: given})


CLICK = """
    import click

    depth = click.option("--depth", type=int, default=8)
    opt = click.option

    def shared(function):
        return click.option("--seed", type=int)(function)

    @click.group()
    @click.option("--debug/--no-debug", default=False)
    @click.pass_context
    def cli(context, debug):
        context.obj = {"debug": debug}

    @cli.group("data")
    @opt("--root", default="r")
    @click.pass_obj
    def data_group(found, root):
        found["root"] = root

    @data_group.command()
    @click.argument("places", nargs=-1, required=True)
    @depth
    @shared
    @click.pass_obj
    def load(found, **more):
        show({**found, **more})

    @click.command()
    @click.option("--fast", default=True)
    @click.option("--slow", type=bool, default=False)
    @click.option("--strict", type=click.BOOL)
    @click.option("--flag", is_flag=True)
    @click.option("--tag", multiple=True, default=["x"])
    @click.option("--size", type=(int, str))
    @click.argument("rest", nargs=-1)
    @click.pass_obj
    def judge(found, **more):
        show({**found, **more})

    cli.add_command(judge, name="rate")
    cli()
"""


def test_nested_groups_of_click(run: Run) -> None:
    values = {"debug": True, "root": "x", "places": ["a", "-b"], "depth": 3, "seed": 4}

    assert run(CLICK, values, command="data load") == {**values, "places": ("a", "-b")}
    with pytest.raises(ComponentError, match="has sub-commands: data load, rate"):
        inputs(CLICK)
    made = {one.name: one for one in inputs(CLICK, command="data load").parameters}
    assert made["places"].default is made["places"].empty
    with pytest.raises(ValueError, match="cannot be an empty list"):
        inputs(CLICK, command="data load").line.words({"places": []})


def test_switches_and_values_of_click(run: Run) -> None:
    values = {"fast": False, "slow": True, "strict": False, "flag": True, "tag": ["a", "b"]}

    found = run(CLICK, {**values, "rest": []}, command="rate")
    assert found == {**values, "debug": False, "size": None, "tag": ("a", "b"), "rest": ()}
    with pytest.raises(ValueError, match="--tag cannot be an empty list"):
        inputs(CLICK, command="rate").line.words({"tag": []})


def test_pairs_of_click(run: Run) -> None:
    text = """
        import click
        @click.command()
        @click.option("--size", type=(int, str), default=(1, "a"))
        @click.option("--both", nargs=2, type=float)
        def main(size, both): show((size, both))
        main()
    """
    assert run(text, {"size": [2, "b"], "both": [-1.0, 2.0]}) == ((2, "b"), (-1.0, 2.0))


TYPER = """
    from typing import Annotated, List, Optional, Tuple
    import typer

    Arg = typer.Argument
    Opt = typer.Option
    Depth = Annotated[int, Opt("--max-depth", help="how deep")]
    RATE = typer.Option(0.5, "--rate")
    app = typer.Typer()
    data = typer.Typer(name="data")
    plain = typer.Typer()
    found = {}

    @app.callback()
    def main(debug: bool = False):
        found["debug"] = debug

    @app.command()
    def train(
        scans: str = Arg(..., help="the scans"),
        depth: Depth = 8,
        rate: float = RATE,
        size: Tuple[int, str] = (1, "a"),
        pair: Annotated[tuple[float, float], Opt()] = (0.5, 0.5),
        names: List[str] = Opt(["x"]),
        limit: Optional[float] = Opt(None),
        quiet: bool = Opt(False, "--quiet"),
        both: bool = Opt(True, "-b/-B"),
    ):
        show({**found, **{k: v for k, v in locals().items()}})

    @data.command("load")
    def load_it(places: Annotated[List[str], Arg()], root: str = "r"):
        show({**found, "places": places, "root": root})

    @plain.command()
    def judge(limit: float):
        show({**found, "limit": limit})

    app.add_typer(data)
    app.add_typer(plain, name="plain")
    app()
"""


def test_typer_with_aliases_and_tuples(run: Run) -> None:
    values = {
        "debug": True,
        "scans": "-s",
        "depth": 3,
        "rate": 0.25,
        "names": ["a", "b"],
        "limit": -1.5,
        "quiet": True,
        "both": False,
    }

    found = run(TYPER, {**values, "size": [2, "b"], "pair": [-1.0, 2.0]}, command="train")
    assert found == {**values, "size": (2, "b"), "pair": (-1.0, 2.0)}
    made = {one.name: one.default for one in inputs(TYPER, command="train").parameters}
    assert (made["depth"], made["rate"], made["size"]) == (8, 0.5, [1, "a"])


@pytest.mark.parametrize(
    ("command", "values", "expected"),
    [
        ("data load", {"debug": True, "places": ["a", "b"], "root": "x"}, {}),
        ("plain judge", {"limit": 0.5}, {"debug": False}),
    ],
)
def test_nested_apps_of_typer(run: Run, command: str, values: dict[str, Any], expected: dict[str, Any]) -> None:
    assert run(TYPER, values, command=command) == {**values, **expected}


def test_a_group_that_runs_alone_needs_no_command(run: Run) -> None:
    text = """
        import click
        @click.group(invoke_without_command=True)
        @click.option("--depth", type=int)
        def cli(depth): show(depth)
        @cli.command()
        def other(): ...
        @cli.command()
        def another(): ...
        cli()
    """
    assert run(text, {"depth": 3}) == 3
    assert "none of its sub-commands (other, another)" in inputs(text).warnings[0]


def test_fire_takes_declared_words(run: Run) -> None:
    text = """
        import fire
        def train(depth=8, **more): show({"depth": depth, **more})
        fire.Fire(train)
    """
    values = {"depth": 3, "title": "3", "fast": False, "sizes": [1, 2]}
    declared = {"--title": str, "--fast": bool, "--sizes": list}
    assert run(text, values, declared) == values


def test_a_bool_for_an_argument_with_a_value_is_a_word(run: Run) -> None:
    text = """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--fast", type=lambda text: text == "true")
        show(parser.parse_args().fast)
    """
    assert run(text, {"fast": True}, {"--fast": bool}) is True
    assert run(text, {"fast": False}, {"--fast": bool}) is False


def folder_of(name: str, body: str) -> bool:
    """Whether the folder of an output is made before the script starts."""
    text = (
        f"import argparse, os, shutil, sys, torch\nfrom pathlib import Path\nparser = argparse.ArgumentParser()\n"
        f"parser.add_argument('--{name}')\nargs = parser.parse_args()\n{body}\n"
    )
    ((_, _, kind),) = inputs(text, {f"--{name}": dsl.Output[dsl.Model]}).outputs
    return kind == "FOLDER"


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("model-dir", "open(os.path.join(args.model_dir, 'm.txt'), 'w')", True),
        ("output_dir", "torch.save(1, f'{args.output_dir}/m.pt')", True),
        ("out-folder", "", True),
        ("outdir", "save(args.outdir)", True),
        ("output-directory", "", True),
        ("model-path", "torch.save(1, args.model_path)", False),
        ("model-path", "torch.save(1, os.path.join(args.model_path, 'm.pt'))", True),
        ("model", "(Path(args.model) / 'm.txt').write_text('m')", True),
        ("model", "out = Path(args.model)\n(out / 'm.txt').write_text('m')", True),
        ("model", "torch.save(1, args.model + '/m.pt')", True),
        ("model", "Path(args.model).joinpath('m').touch()", True),
        ("model", "open(args.model, 'w')", False),
        ("model", "x = args.model / 2", False),
        ("log-dir", "open(args.log_dir, 'w')", False),
        ("model-dir", "os.makedirs(args.model_dir)", False),
        ("model-dir", "os.mkdir(args.model_dir); open(os.path.join(args.model_dir, 'm'), 'w')", False),
        ("model-dir", "Path(args.model_dir).mkdir(parents=True)", False),
        ("model-dir", "out = Path(args.model_dir).resolve()\nout.mkdir()", False),
        ("model-dir", "shutil.copytree('a', args.model_dir)", False),
        ("model-dir", "shutil.copytree('a', args.model_dir, dirs_exist_ok=True)", True),
        ("model-dir", "os.makedirs(args.model_dir, exist_ok=True)", True),
        ("model-dir", "if not os.path.exists(args.model_dir):\n    os.makedirs(args.model_dir)", True),
        ("model-dir", "try:\n    os.mkdir(args.model_dir)\nexcept FileExistsError:\n    pass", True),
        ("model-dir", "if os.path.exists(args.model_dir):\n    raise ValueError('exists')", False),
        ("model-dir", "if os.path.isdir(args.model_dir):\n    sys.exit('exists')", False),
        (
            "output-dir",
            "if os.path.exists(args.output_dir) and os.listdir(args.output_dir):\n    raise ValueError('not empty')",
            True,
        ),
        ("model-dir", "os.makedirs(os.path.join(args.model_dir, 'sub'))", True),
    ],
)
def test_folders_of_outputs_are_made_where_the_script_expects_them(name: str, body: str, expected: bool) -> None:
    assert folder_of(name, body) is expected


def test_a_slash_makes_the_folder_of_an_output() -> None:
    text = "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--model')"

    assert inputs(text, {"--model/": dsl.Output[dsl.Model]}).outputs == (("model", "--model", "FOLDER"),)
    assert inputs(text, {"--model": dsl.Output[dsl.Model]}).outputs == (("model", "--model", ""),)
    assert inputs("import sys; sys.argv", {"place/": dsl.Output[dsl.Model]}).outputs == (("place", "place", "FOLDER"),)
    with pytest.raises(ComponentError, match=r"makes a folder of --model, which is not an output artifact\n.*omit"):
        inputs(text, {"--model/": str})
