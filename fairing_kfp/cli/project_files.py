"""The files of a new project, as `fairing-kfp init` writes them."""

from __future__ import annotations

import re

_PIPELINE = '''\
"""A pipeline of two steps: the first fits a line to measurements, the second predicts with it."""

import json
import statistics
from pathlib import Path

from fairing_kfp import OUTPUT, fairing_component
from kfp import dsl

NOISE = (0.4, -0.3, 0.1, -0.2)  # globals and helpers are packed with the functions that use them


def measured(hour: int) -> float:
    return 3 * hour + 5 + NOISE[hour % len(NOISE)]


@fairing_component  # packages=["scikit-learn==1.7.*"] adds packages
def train(hours: int, model: dsl.Output[dsl.Model] = OUTPUT):  # OUTPUT tells type checkers that KFP passes it
    line = statistics.linear_regression(range(hours), [measured(hour) for hour in range(hours)])
    Path(model.path).write_text(json.dumps(line._asdict()))


@fairing_component
def predict(model: dsl.Input[dsl.Model], hour: int) -> float:
    line = json.loads(Path(model.path).read_text())
    return line["slope"] * hour + line["intercept"]


@dsl.pipeline
def forecast(hours: int = 24, hour: int = 30):
    trained = train(hours=hours)
    predict(model=trained.outputs["model"], hour=hour)
'''

_PYPROJECT = """\
[project]
name = "{name}"
version = "0.1.0"
requires-python = ">=3.10"
dependencies = ["fairing-kfp"]

[dependency-groups]
dev = ["pytest>=8"]

[tool.fairing-kfp]
# registry = "registry.example.com/me"            # where images are pushed; `docker login` to it
# base_image = "python:3.12-slim"                 # with the Python version that you use
# host = "https://kubeflow.example.com/pipeline"  # Kubeflow Pipelines, for `fairing-kfp submit`

[tool.pytest.ini_options]
pythonpath = ["."]
"""

_TEST = '''\
"""Runs the pipeline on this machine, without Docker, cluster or registry."""

import pytest
from pipeline import forecast


def test_the_forecast_follows_the_line(run_pipeline):  # a fixture of fairing-kfp
    result = run_pipeline(forecast, {"hours": 48, "hour": 30})

    assert result.step("predict").outputs["Output"] == pytest.approx(95, abs=0.5)
'''

_WORKFLOW = """\
name: pipeline
on: [push, pull_request]

jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      # Until fairing-kfp is on PyPI, name a wheel or a git reference here.
      - run: pip install fairing-kfp pytest
      - run: pytest
      # After a login to the registry in [tool.fairing-kfp]:
      # - run: fairing-kfp compile pipeline.py -o pipeline.yaml
"""


def project_files(name: str) -> dict[str, str]:
    """The contents of the files, by path below the project's folder.

    Args:
        name: the name of the folder, from which the project's is made.
    """
    project = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "pipelines"
    return {
        "pipeline.py": _PIPELINE,
        "pyproject.toml": _PYPROJECT.format(name=project),
        "test_pipeline.py": _TEST,
        ".github/workflows/pipeline.yml": _WORKFLOW,
    }
