"""torch with its CUDA libraries as layers, and in a Dockerfile: made and pushed once, and pulled by a node."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import click

from bench.measure import Cost, MissingError, Stages, Table, take_turns
from bench.memory import WATCH
from bench.node import node
from bench.services import Workplace, docker, own_layers, pip_settings, with_pip, workplace

_OURS = Path(sys.executable).with_name("fairing-kfp")
_PACKAGE = "torch==2.9.1"
_SPACE = 45 << 30
_PATIENCE = 3600  # seconds until Docker has built or pushed
_PIPELINE = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component(packages=["{package}"])
def train() -> str:
    import torch
    return torch.__version__

@dsl.pipeline
def trained():
    train()
"""
_DOCKERFILE = """
FROM {base}
{settings}
RUN python3 -m pip install --quiet --no-cache-dir {package}
COPY pipeline.py /app/pipeline.py
"""
_NOTE = (
    "{package} for Linux with CUDA, whose wheels both download; caches are empty, and the node has the base image. "
    "Docker makes one layer of all packages. Measured once. Peak memory of a process of `fairing-kfp compile`, or of "
    "uv, which it starts: {peak:.0f} MB. Layers above the base: ours {ours}, Docker's {docker}. Docker {engine}, "
    "containerd {containerd}."
)


def measure() -> list[Table]:
    """Compares making, pushing and pulling.

    Raises:
        MissingError: the disk is too small, or a service is missing.
    """
    layers: dict[str, str] = {}
    with workplace() as work:
        if (free := shutil.disk_usage(work.folder).free) < _SPACE:
            raise MissingError(f"{work.folder} has {free >> 30} GB of free space; {_SPACE >> 30} GB are needed")
        base = with_pip(work)
        with node(base) as there:

            def contender(name: str) -> Stages:
                image, pushed = {"ours": _ours, "docker": _docker}[name](work, base)
                layers[name] = own_layers(image, base)
                pull = there.pull(image)
                shown = f"torch: {name} is pushed in {pushed.seconds:.0f} s, and pulled in {pull:.0f} s"
                click.echo(shown, err=True)  # half of the result, should the other contender fail
                return {"push": pushed, "pull": Cost(pull), "both": Cost(pushed.seconds + pull)}

            runs = take_turns(1, {name: partial(contender, name) for name in ("ours", "docker")}, warm=False)
        engine = docker("version", "--format", "{{.Server.Version}}")
    peak = (runs.rounds[0]["ours"]["push"].peak or 0) / 1e6
    note = _NOTE.format(package=_PACKAGE, peak=peak, engine=engine, containerd=there.containerd, **layers)
    stages = {"push": "resolve, make and push", "pull": "a node's pull", "both": "both"}
    rows = tuple(runs.row(words, "ours", "docker", stage) for stage, words in stages.items())
    return [Table("`fairing-kfp compile`", "`docker build && docker push`", rows, note)]


def _ours(work: Workplace, base: str) -> tuple[str, Cost]:
    """Compiles with empty caches of ours and of uv; removes them."""
    folder = work.folder / work.fresh("ours")
    folder.mkdir()
    (folder / "pipeline.py").write_text(_PIPELINE.format(package=_PACKAGE))
    command = [str(_OURS), "compile", str(folder / "pipeline.py"), "-o", str(folder / "pipeline.yaml")]
    command += ["--registry", f"{work.registry.host}/{folder.name}", "--base-image", base]
    caches = {"FAIRING_KFP_CACHE": str(folder / "cache"), "UV_CACHE_DIR": str(folder / "uv")}
    watch = [sys.executable, "-I", "-S", "-c", WATCH, *command]
    began = time.perf_counter()
    done = subprocess.run(watch, env={**os.environ, **caches}, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise MissingError(f"{_PACKAGE} is not compiled: {done.stderr.strip()}")
    (image,) = re.findall(r"image: (\S+@sha256:\w+)", (folder / "pipeline.yaml").read_text())
    for cache in caches.values():
        shutil.rmtree(cache)
    return image, Cost(seconds, peak=int(done.stdout) * 1024)


def _docker(work: Workplace, base: str) -> tuple[str, Cost]:
    folder = work.folder / work.fresh("docker")
    folder.mkdir()
    settings = "\n".join(f"ENV {name}={value!r}" for name, value in pip_settings().items())
    (folder / "pipeline.py").write_text(_PIPELINE.format(package=_PACKAGE))
    (folder / "Dockerfile").write_text(_DOCKERFILE.format(base=base, settings=settings, package=_PACKAGE))
    image = f"{work.registry.host}/{folder.name}/train:1"
    began = time.perf_counter()
    options = ("-q", "--no-cache", "--force-rm", "--network", "host")  # a build that fails leaves no files either
    docker("build", *options, "-t", image, str(folder), seconds=_PATIENCE)
    docker("push", "-q", image, seconds=_PATIENCE)
    seconds = time.perf_counter() - began
    reference = docker("inspect", "--format", "{{index .RepoDigests 0}}", image)
    docker("rmi", "-f", image, seconds=_PATIENCE)
    return reference, Cost(seconds)
