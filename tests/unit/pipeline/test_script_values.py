"""Constants that no command line can give to a script."""

from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from fairing_kfp import fairing_component
from fairing_kfp.errors import PipelineError
from fairing_kfp.pipeline.trace import trace

SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--warm", action="store_true", default=True)
parser.add_argument("--cold", action="store_true")
parser.add_argument("--plus", nargs="+", default=["a"])
parser.add_argument("--depth", type=int, default=8)
parser.parse_args()
"""


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Any:
    file: Path = tmp_path_factory.mktemp("scripts") / "train.py"
    file.write_text(SCRIPT)
    return fairing_component.from_script(str(file))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"warm": False}, "train: warm=False cannot be given to the script: --warm cannot be False: its default is"),
        ({"plus": []}, r"train: plus=\[\] cannot be given to the script: --plus cannot be an empty list"),
        ({"plus": ["-x"]}, "'-x' among the values of --plus starts with a dash"),
    ],
)
def test_what_the_parser_cannot_take_is_refused(train: Any, given: dict[str, Any], expected: str) -> None:
    @dsl.pipeline
    def line(kind: str = "x"):
        with dsl.If(kind == "x"):
            train(**given)

    with pytest.raises(PipelineError, match=expected):
        trace(line)


def test_what_it_can_take_is_traced(train: Any) -> None:
    @dsl.pipeline
    def line(warm: bool = False):
        train(warm=True, cold=False, plus=["b"], depth=3)
        train(warm=warm)  # decided at run time, where the step refuses it

    assert trace(line).name == "line"
