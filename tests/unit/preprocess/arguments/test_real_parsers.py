"""Command lines made from what is read of scripts, parsed by the libraries that the scripts use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from tests.support.scripts import Run, inputs

HUGGING_FACE = """
    import enum
    from dataclasses import dataclass, field
    from typing import List, Literal, Optional
    from transformers import HfArgumentParser

    class Kind(enum.Enum):
        FOREST = "forest"
        LINE = "line"

    @dataclass
    class Base:
        seed: int

    @dataclass
    class Model(Base):
        model_name: str = field(metadata={"help": "which one"})
        dropout: Optional[float] = None
        kind: Kind = Kind.FOREST
        device: Literal["cpu", "gpu"] = "cpu"
        made: int = field(init=False, default=3)

        def __post_init__(self): self.made = self.seed

    @dataclass
    class Data:
        layers: List[int] = field(default_factory=lambda: [8, 8])
        shuffle: bool = True
        lower: bool = False
        cached: Optional[bool] = None
        strict: bool = field(default=False, metadata={"help": "refuse what is unknown"})
        names: Optional[List[str]] = field(default=None)

    def main():
        parser = HfArgumentParser((Model, Data))
        model, data = parser.parse_args_into_dataclasses()
        show({**vars(model), **vars(data)})
    main()
"""


def test_dataclasses_of_hugging_face(run: Run) -> None:
    values = {
        "seed": 5,
        "model_name": "-small",
        "dropout": 0.5,
        "kind": "line",
        "device": "gpu",
        "layers": [4, 2],
        "shuffle": False,
        "lower": True,
        "cached": False,
        "strict": True,
        "names": ["a", "b"],
    }

    assert run(HUGGING_FACE, values) == {**values, "made": 5}
    defaults = run(HUGGING_FACE, {"model_name": "m", "seed": 1})
    assert (defaults["layers"], defaults["shuffle"], defaults["cached"]) == ([8, 8], True, None)
    signature = {one.name: one.default for one in inputs(HUGGING_FACE).parameters}
    assert signature["layers"] == [8, 8]
    assert (signature["kind"], signature["shuffle"]) == ("forest", True)
    assert inputs(HUGGING_FACE).doc == "    model_name: which one\n    strict: refuse what is unknown"


def test_dataclasses_of_other_modules_can_be_declared(run: Run) -> None:
    text = """
        from dataclasses import dataclass
        from transformers import HfArgumentParser
        from training import TrainingArguments

        @dataclass
        class Mine(TrainingArguments):
            depth: int = 8

        @dataclass
        class Other:
            width: int = 2

        parser = HfArgumentParser([Mine, Other])
        parser.add_argument("--extra", type=int)
        show(vars(parser.parse_args()))
    """
    module = """
        import dataclasses
        @dataclasses.dataclass
        class TrainingArguments:
            output_dir: str = ""
            fp16: bool = False
            columns: bool = True
    """

    assert "the fields of training.TrainingArguments, which is defined elsewhere" in inputs(text).warnings[0]
    declared = {"--output_dir": dsl.Output[dsl.Model], "--fp16": True, "--columns": False}
    values = {"output_dir": "/m", "fp16": True, "columns": False, "depth": 3, "extra": 4, "width": 1}
    assert run(text, values, declared, training=module) == values


SIMPLE = """
    import enum
    from dataclasses import dataclass, field
    from typing import Dict, List, Optional, Tuple
    from simple_parsing import ArgumentParser, choice, field as option, flag, mutable_field

    class Kind(enum.Enum):
        FOREST = "forest"
        LINE = "line"

    @dataclass
    class Optimizer:
        lr: float = 0.1
        decay_rate: float = 0.5

    @dataclass
    class Options:
        name: str
        '''Its name.'''
        n_layers: int = 3
        debug: bool = False
        cache: bool = True
        shout: bool = flag(False)
        kind: Kind = Kind.FOREST
        sizes: List[int] = field(default_factory=list)
        pair: Tuple[int, str] = (1, "a")
        limit: Optional[int] = None
        colour: str = choice("red", "blue", default="red")
        short: int = option(default=1, alias="-q")
        hidden: int = option(default=1, cmd=False)
        optimizer: Optimizer = mutable_field(Optimizer, lr=0.2)
        z: int = 0

    def main():
        parser = ArgumentParser()
        parser.add_arguments(Options, dest="options")
        parser.add_argument("--plain", type=int, default=2)
        args = parser.parse_args()
        options = vars(args.options)
        optimizer = vars(options.pop("optimizer"))
        show({**options, "kind": options["kind"].name, **optimizer, "plain": args.plain})
    main()
"""


def test_dataclasses_of_simple_parsing(run: Run) -> None:
    values = {
        "name": "-n",
        "n_layers": 5,
        "debug": True,
        "cache": False,
        "shout": True,
        "kind": "LINE",
        "sizes": [4, 2],
        "limit": 3,
        "colour": "blue",
        "short": 2,
        "lr": 0.5,
        "decay_rate": 0.25,
        "z": 7,
        "plain": 4,
    }

    assert run(SIMPLE, {**values, "pair": [2, "b"]}) == {**values, "pair": (2, "b"), "hidden": 1}
    assert run(SIMPLE, {"name": "n", "sizes": []})["sizes"] == []
    signature = {one.name: one.default for one in inputs(SIMPLE).parameters}
    assert (signature["kind"], signature["lr"], signature["sizes"]) == ("FOREST", 0.2, [])
    assert "name: Its name." in inputs(SIMPLE).doc


def test_equal_names_of_simple_parsing_have_those_of_their_groups(run: Run) -> None:
    text = """
        from dataclasses import dataclass, field
        import simple_parsing
        @dataclass
        class Rate:
            lr: float = 0.1
            steps: int = 1
        @dataclass
        class Other:
            lr: float = 0.1
        @dataclass
        class All:
            one: Rate = field(default_factory=Rate)
            two: Other = field(default_factory=Other)
        found = simple_parsing.parse(All)
        show((found.one.lr, found.two.lr, found.one.steps))
    """
    assert run(text, {"one_lr": 0.3, "two_lr": 0.4, "steps": 5}) == (0.3, 0.4, 5)


TYRO = """
    import enum
    from dataclasses import dataclass, field
    from pathlib import Path
    from typing import Annotated, List, Literal, Optional, Tuple
    import tyro

    class Kind(enum.Enum):
        FOREST = "forest"
        LINE = "line"

    @dataclass
    class Optimizer:
        lr: float = 0.1
        use_decay: bool = False

    @dataclass
    class Options:
        place: tyro.conf.Positional[str]
        name: str
        exact: bool
        n_layers: int = 3
        debug: bool = False
        cache: bool = True
        kind: Kind = Kind.FOREST
        device: Literal["cpu", "gpu"] = "cpu"
        sizes: List[int] = field(default_factory=list)
        pair: Tuple[int, str] = (1, "a")
        many: Tuple[int, ...] = (1,)
        limit: Optional[int] = None
        maybe: Optional[bool] = None
        folder: Path = Path("out")
        renamed: Annotated[int, tyro.conf.arg(name="other-name", aliases=["-r"])] = 3
        plain: tyro.conf.FlagConversionOff[bool] = False
        hidden: tyro.conf.Suppress[int] = 3
        my_optimizer: Optimizer = field(default_factory=Optimizer)

    if __name__ == "__main__":
        options = vars(tyro.cli(Options))
        optimizer = vars(options.pop("my_optimizer"))
        show({**options, "kind": options["kind"].name, "folder": str(options["folder"]), **optimizer})
"""


def test_dataclasses_of_tyro(run: Run) -> None:
    values = {
        "place": "-p",
        "name": "-n",
        "exact": False,
        "n_layers": 5,
        "debug": True,
        "cache": False,
        "kind": "LINE",
        "device": "gpu",
        "sizes": [4, 2],
        "limit": -3,
        "maybe": False,
        "folder": "x",
        "renamed": 4,
        "plain": True,
    }
    more = {"pair": [2, "b"], "many": [1, 2], "my_optimizer_lr": 0.5, "my_optimizer_use_decay": True}

    found = run(TYRO, {**values, **more})
    assert found == {**values, "pair": (2, "b"), "many": (1, 2), "hidden": 3, "lr": 0.5, "use_decay": True}
    assert run(TYRO, {"place": "p", "name": "n", "exact": True, "many": []})["many"] == ()


def test_functions_of_tyro(run: Run) -> None:
    text = """
        import tyro
        def main(scans: str, /, depth: int, rate: float = 0.5, fast: bool = False):
            show((scans, depth, rate, fast))
        tyro.cli(main)
    """
    assert run(text, {"scans": "s", "depth": 3, "fast": True}) == ("s", 3, 0.5, True)
    commands = """
        import tyro
        def learn(depth: int = 3): show(("learn", depth))
        def judge(limit: float): show(("judge", limit))
        tyro.extras.subcommand_cli_from_dict({"learn": learn, "judge": judge})
    """
    assert run(commands, {"limit": 0.5}, command="judge") == ("judge", 0.5)


ABSL = """
    import enum
    from absl import app, flags

    class Kind(enum.Enum):
        FOREST = "forest"
        LINE = "line"

    FLAGS = flags.FlagValues()
    flags.DEFINE_string("name", None, "its name", flag_values=FLAGS)
    flags.DEFINE_integer("depth", 8, help="how deep", lower_bound=1, flag_values=FLAGS)
    flags.DEFINE_float("rate", 1, "", flag_values=FLAGS)
    flags.DEFINE_bool("fast", False, "", flag_values=FLAGS)
    flags.DEFINE_boolean("cache", True, "", short_name="c", flag_values=FLAGS)
    flags.DEFINE_enum("device", "cpu", ["cpu", "gpu"], "where", flag_values=FLAGS)
    flags.DEFINE_enum_class("kind", Kind.FOREST, Kind, "what is learned", flag_values=FLAGS)
    flags.DEFINE_list("words", ["a"], "", flag_values=FLAGS)
    flags.DEFINE_list("more", "a,b", "", flag_values=FLAGS)
    flags.DEFINE_multi_string("tags", [], "", flag_values=FLAGS)
    flags.DEFINE_multi_integer("sizes", 3, "", flag_values=FLAGS)
    flags.DEFINE_string("must", None, "", flag_values=FLAGS, required=True)
    flags.DEFINE_string("marked", None, "", flag_values=FLAGS)
    flags.mark_flag_as_required("marked", flag_values=FLAGS)
    flags.DEFINE_integer("n", 1, "", flag_values=FLAGS)

    def main(argv):
        show({name: getattr(FLAGS, name) for name in FLAGS})
    import sys
    main(FLAGS(sys.argv))
"""


def test_flags_of_absl(run: Run) -> None:
    values = {
        "name": "-n",
        "depth": 3,
        "rate": 0.25,
        "fast": True,
        "cache": False,
        "device": "gpu",
        "words": ["a,b", 'say "x"', "", "d"],
        "more": [],
        "tags": ["-a", "b"],
        "sizes": [4, 2],
        "must": "m",
        "marked": "x",
        "n": -2,
    }

    found = run(ABSL, {**values, "kind": "LINE"})
    assert {name: found[name] for name in values} == values
    assert found["kind"].name == "LINE"
    signature = {one.name: one for one in inputs(ABSL).parameters}
    assert signature["must"].default is signature["marked"].default is signature["must"].empty
    assert (signature["sizes"].default, signature["more"].default, signature["rate"].default) == ([3], ["a", "b"], 1.0)
    assert not inputs(ABSL).warnings


@pytest.mark.parametrize(
    "head",
    [
        "import tensorflow as tf\nflags = tf.app.flags",
        "import tensorflow.compat.v1 as tf\nflags = tf.flags",
        "import tensorflow as tf\nflags = tf.compat.v1.flags\nFLAGS = flags.FLAGS",
        "from tensorflow.compat.v1 import flags",
        "from tensorflow.python.platform import flags",
        "from absl import flags",
        "import absl.flags as flags",
    ],
)
def test_flags_of_tensorflow_are_those_of_absl(head: str) -> None:
    made = inputs(f"{head}\nflags.DEFINE_integer('depth', default_value=8, docstring='how deep')\n")

    assert [(one.name, one.default) for one in made.parameters] == [("depth", 8)]
    assert made.line.words({"depth": 3}) == ["--depth=3"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            """
            import argparse, sys
            from absl import flags
            FLAGS = flags.FlagValues()
            flags.DEFINE_bool("fast", False, "", flag_values=FLAGS)
            parser = argparse.ArgumentParser()
            parser.add_argument("--depth", type=int, default=8)
            known, rest = parser.parse_known_args()
            FLAGS([sys.argv[0], *rest])
            show((known.depth, FLAGS.fast))
            """,
            {"depth": 3, "fast": True},
        ),
        (
            """
            from absl.flags import argparse_flags, FlagValues, DEFINE_bool
            FLAGS = FlagValues()
            DEFINE_bool("fast", False, "", flag_values=FLAGS)
            parser = argparse_flags.ArgumentParser(inherited_absl_flags=FLAGS)
            parser.add_argument("--depth", type=int, default=8)
            args = parser.parse_args()
            show((args.depth, FLAGS.fast))
            """,
            {"depth": 3, "fast": True},
        ),
    ],
    ids=["the rest of argparse", "argparse_flags"],
)
def test_absl_beside_argparse(run: Run, text: str, values: dict[str, Any]) -> None:
    assert run(text, values) == tuple(values.values())


HYDRA = """
    import hydra
    from omegaconf import DictConfig, OmegaConf

    @hydra.main(version_base=None, config_path="conf", config_name="config")
    def main(cfg: DictConfig):
        show(OmegaConf.to_container(cfg, resolve=True))

    if __name__ == "__main__":
        main()
"""
HYDRA_CONFIG = """
defaults:
  - _self_
  - model: resnet
  - override hydra/job_logging: disabled
seed: 1
title: none
out: ???
model:
  lr: 1e-3
  deep: {wide: false, "odd key": 3}
sizes: [1, 2]
folder: ${title}/x
options: {}
nothing: null
hydra:
  run: {dir: .}
  output_subdir: null
"""


def test_keys_of_hydra(run: Run, tmp_path: Path) -> None:
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "config.yaml").write_text(HYDRA_CONFIG)
    for name in ("resnet", "vit"):
        (tmp_path / "conf" / "model" / f"{name}.yaml").write_text(f"name: {name}\n")
    values = {
        "seed": 5,
        "title": "it's a=b, {x: \\'1'} \\",
        "out": "/data/a b.txt",
        "model": "vit",
        "model_lr": 0.5,
        "model_deep_wide": True,
        "sizes": [1.5, "a b", "true", None, [2]],
        "options": {"a b": {"c": "x,y"}, "d": "1"},
        "nothing": "null",
        "extra_one": 1e300,
    }

    found = run(HYDRA, values, {"+extra.one": 0.5})
    assert found == {
        "seed": 5,
        "title": values["title"],
        "out": "/data/a b.txt",
        "model": {"lr": 0.5, "deep": {"wide": True, "odd key": 3}, "name": "vit"},
        "sizes": values["sizes"],
        "folder": f"{values['title']}/x",
        "options": values["options"],
        "nothing": "null",
        "extra": {"one": 1e300},
    }
    signature = {one.name: one for one in inputs(HYDRA, file=str(tmp_path / "train.py")).parameters}
    assert signature["out"].default is signature["out"].empty
    assert (signature["model"].default, signature["model_lr"].default, signature["folder"].default) == (
        "resnet",
        0.001,
        None,
    )


def test_structured_configuration_of_hydra(run: Run) -> None:
    text = """
        from dataclasses import dataclass, field
        import hydra
        from hydra.core.config_store import ConfigStore
        from omegaconf import MISSING

        @dataclass
        class Model:
            lr: float = 0.1

        @dataclass
        class Config:
            depth: int = MISSING
            model: Model = field(default_factory=Model)
            fast: bool = False

        ConfigStore.instance().store(name="structured", node=Config)

        @hydra.main(version_base=None, config_path=None, config_name="structured")
        def main(cfg):
            show((cfg.depth, cfg.model.lr, cfg.fast))
        main()
    """
    declared = {"hydra.run.dir": ".", "hydra/job_logging": str, "hydra/hydra_logging": str}
    values = {"depth": 3, "model_lr": 0.5, "fast": True, "hydra_run_dir": "run"}
    values |= {"hydra_job_logging": "disabled", "hydra_hydra_logging": "disabled"}
    assert run(text, values, declared) == (3, 0.5, True)


def test_keys_of_hydra_are_declared_without_their_configuration() -> None:
    made = inputs(HYDRA, {"model.lr": 0.1, "x": dsl.Input[dsl.Dataset], "--config-name": str})

    words = made.line.words({"model_lr": 0.5, "x": "/a", "config_name": "other"})
    assert words == ["--config-name", "other", "model.lr=0.5", "x=/a"]
    assert "the keys of config.yaml, which is not found" in inputs(HYDRA).warnings[0]


CONFIGURATOR = """
import sys
from ast import literal_eval
for arg in sys.argv[1:]:
    key, val = arg.removeprefix("--").split("=")
    try:
        attempt = literal_eval(val)
    except (SyntaxError, ValueError):
        attempt = val
    assert type(attempt) == type(globals()[key])
    globals()[key] = attempt
"""


def test_globals_of_a_configurator(run: Run, tmp_path: Path) -> None:
    (tmp_path / "configurator.py").write_text(CONFIGURATOR)
    text = """
        out_dir = "out"
        rate, _hidden = 6e-4, 1
        rate = 6e-4
        steps = 2000 * 10
        fast = False
        exec(open("configurator.py").read())
        later = 3
        show((out_dir, rate, steps, fast))
    """
    values = {"out_dir": "/a b", "rate": 1.0, "steps": 3, "fast": True}
    assert run(text, values) == ("/a b", 1.0, 3, True)
    assert [one.name for one in inputs(text).parameters] == ["out_dir", "rate", "steps", "fast"]
    assert "conf.txt reads, which the script runs" in inputs("exec(open('conf.txt').read())").warnings[0]


def test_lightning_has_sub_commands_and_the_parameters_of_its_classes() -> None:
    text = """
        from lightning.pytorch.cli import LightningCLI
        class Model(LightningModule):
            def __init__(self, depth: int = 8, *, rate: float, wide: bool = False, sizes: list[int] = [1]): ...
        class MyCLI(LightningCLI): ...
        def main(): MyCLI(Model, run=True)
        main()
    """
    made = inputs(text, {"--trainer.max_epochs": 3, "--trainer.fast": bool}, "fit")

    words = made.line.words({"model_depth": 3, "model_rate": 0.5, "model_sizes": [1, 2], "trainer_max_epochs": 4})
    assert words == ["fit", "--model.depth=3", "--model.rate=0.5", "--model.sizes=[1, 2]", "--trainer.max_epochs=4"]
    assert made.line.words({"trainer_fast": False, "model_wide": True}) == [
        "fit",
        "--model.wide=true",
        "--trainer.fast=false",
    ]
    assert "--trainer.max_epochs" in inputs(text, command="fit").warnings[0]


def test_flags_of_a_tensorflow_that_another_module_imports() -> None:
    made = inputs(
        "from common import *\nfs = tf.app.flags\nfs.DEFINE_string('model', 'none', 'which')\nFLAGS = fs.FLAGS\n"
    )

    assert made.line.words({"model": "a"}) == ["--model=a"]


@pytest.mark.parametrize(
    ("head", "call"),
    [
        ("from simple_parsing import parse", "parse(Options)"),
        ("import tyro", "tyro.cli(Options)"),
        (
            "import hydra\nfrom hydra.core.config_store import ConfigStore",
            "ConfigStore.instance().store('c', Options)\nhydra.main(config_path=None, config_name='c')",
        ),
    ],
    ids=["simple_parsing", "tyro", "hydra"],
)
def test_fields_of_other_classes_are_not_read_as_text(head: str, call: str) -> None:
    text = f"""
from dataclasses import dataclass
from pathlib import Path
from others import Optimizer, Train, Judge
from typing import Optional, Union
{head}
@dataclass
class Options:
    optimizer: Optimizer
    command: Union[Train, Judge]
    folder: Path = Path("x")
    either: Union[int, str] = 3
    maybe: Optional[float] = None
{call}
"""
    names = {one.name for one in inputs(text, {"--x": str, "--y": str}).parameters}
    assert {"folder", "either", "maybe"} <= names
    assert not {"optimizer", "command"} & names


def test_positional_fields_of_simple_parsing(run: Run) -> None:
    text = """
        from __future__ import annotations
        from dataclasses import dataclass
        from pathlib import Path
        from simple_parsing import ArgumentParser, field
        @dataclass
        class Options:
            geom: str = field(positional=True)  # a file
            data: Path = field(positional=True)
            depth: int | None = None
        parser = ArgumentParser()
        parser.add_arguments(Options, dest="options")
        found = parser.parse_args().options
        show((found.geom, str(found.data), found.depth))
    """
    assert run(text, {"geom": "-g", "data": "d", "depth": 3}) == ("-g", "d", 3)
