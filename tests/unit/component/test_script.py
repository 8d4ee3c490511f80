"""Scripts as components: the plain function that runs them here."""

from __future__ import annotations

from pathlib import Path

import pytest
from kfp import dsl

from fairing_kfp import fairing_component
from fairing_kfp.errors import StepFailedError

WRITES = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--model-dir")
parser.add_argument("--warm", action="store_true", default=True)
args = parser.parse_args()
with open(os.path.join(args.model_dir, "m.txt"), "w") as file:
    file.write(str(args.warm))
"""


def test_the_folder_of_an_output_is_made(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(WRITES)
    train = fairing_component.from_script(str(tmp_path / "train.py"), arguments={"--model-dir": dsl.Output[dsl.Model]})

    train.python_func(model_dir=str(tmp_path / "made" / "model"))
    assert (tmp_path / "made" / "model" / "m.txt").read_text() == "True"
    with pytest.raises(ValueError, match="--warm cannot be False: its default is True"):
        train.python_func(model_dir=str(tmp_path / "other"), warm=False)


def test_a_script_that_fails_fails_the_plain_function(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("raise SystemExit(3)")

    with pytest.raises(StepFailedError, match="train failed with exit code 3"):
        fairing_component.from_script(str(tmp_path / "train.py")).python_func()
