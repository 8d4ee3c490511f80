"""A train step and a bare Job: the total time, and the delay of log lines."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import fairing_kfp
from bench.measure import Cost, MissingError, Stages, Table, take_turns, timed
from bench.services import BASE
from fairing_kfp.cache.store import Cache
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import from_kubeconfig
from fairing_kfp.cluster.kinds import JOB
from fairing_kfp.cluster.objects import create, delete
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.cluster.watch import follow
from fairing_kfp.preprocess.image_paths import COMMAND
from fairing_kfp.train.kinds.job import KIND
from fairing_kfp.train.step import train
from tests.support.train_steps import Step, steps_of

ROUNDS = 5
TALKS = 3
QUICK = "answer = 'done'"
TALKATIVE = "import time\nfor _ in range(40): print('LINE', time.time(), flush=True); time.sleep(0.1)"


@dataclass(frozen=True)
class Place:
    """A namespace, and a step that runs given code.

    Attributes:
        cluster: client of the cluster, for the namespace.
        step: the step.
        folder: folder for its outputs.
    """

    cluster: Cluster
    step: Step
    folder: Path

    def ours(self, how: str, show: Callable[[str], None] = str) -> None:
        """A train step, from its first request to its end; a unique label gives each its own job."""
        step = self.step.with_spec(labels={"number": uuid.uuid4().hex[:8]})
        given = self._input(how)
        train(step.spec, given, self.cluster, log=lambda _: None, log_line=show)
        shutil.rmtree(self.folder / "out")

    def bare(self, how: str, look: Callable[[str], None] = str) -> None:
        """The same code in the same image as a plain Job, until its status is complete."""
        owner = Owner(uuid.uuid4().hex, "bare")
        command = [*COMMAND, "--executor_input", json.dumps(self._input(how))]
        container = {"name": "main", "image": self.step.spec.image, "command": command}
        manifest = KIND.manifest(self.step.spec, owner.name(), {"spec": {"containers": [container]}})
        create(self.cluster, manifest, owner.labels)
        try:
            look(owner.name())
            for state in follow(self.cluster, JOB, owner.name(), self.cluster.namespace, seconds=60):
                if KIND.result(state):
                    break
        finally:
            delete(self.cluster, JOB, owner.name(), self.cluster.namespace)

    def lag_of_ours(self) -> float:
        """The delay of log lines in a train step, in seconds."""
        lags: list[float] = []
        self.ours(TALKATIVE, lambda line: _note(line, lags))
        return median(lags[10:])

    def lag_of_kubectl(self) -> float:
        """The delay of log lines in `kubectl logs`, in seconds."""
        lags: list[float] = []

        def look(job: str) -> None:
            command = ["kubectl", "-n", self.cluster.namespace, "logs", "-f", f"job/{job}", "--pod-running-timeout=60s"]

            def read() -> None:
                while not lags:  # kubectl does not wait for a pod that does not exist
                    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as log:
                        assert log.stdout is not None
                        for line in log.stdout:
                            _note(line, lags)

            threading.Thread(target=read, daemon=True).start()

        self.bare(TALKATIVE, look)
        return median(lags[10:])

    def _input(self, how: str) -> dict[str, object]:
        return self.step.executor_input(str(self.folder / "out"), {"how": how}, scratch=str(self.folder / "out"))


def measure() -> list[Table]:
    """The tables.

    Raises:
        MissingError: there is no cluster, or no base image with this Python.
    """
    warnings.simplefilter("ignore")
    with place() as here:
        program = [sys.executable, "-m", "fairing_kfp.train", "--help"]
        starts = [timed(lambda: subprocess.run(program, check=True, capture_output=True)).seconds for _ in range(5)]
        jobs = take_turns(
            ROUNDS,
            {
                "ours": lambda: {"job": timed(lambda: here.ours(QUICK))},
                "bare": lambda: {"job": timed(lambda: here.bare(QUICK))},
            },
        )
        lines = take_turns(
            TALKS, {"ours": lambda: _stage(here.lag_of_ours()), "kubectl": lambda: _stage(here.lag_of_kubectl())}
        )
    note = (
        f"A function that does nothing, as a Job with one node. The train step creates the Job, waits for its node, "
        f"starts the function, logs its output, fetches its outputs and deletes the Job; the bare Job runs the same "
        f"code in the same image, ends with its condition, and loses its outputs. The start of the step's program is "
        f"not included: {median(starts):.2f} s."
    )
    lag = "Forty lines, one every 0.1 s; the median of each run from the eleventh line on, measured by one clock."
    return [
        Table("a train step", "the bare Job", (jobs.row("from nothing to the end", "ours", "bare", "job"),), note),
        Table(
            "a train step", "`kubectl logs -f`", (lines.row("from writing to display", "ours", "kubectl", "line"),), lag
        ),
    ]


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """Creates a namespace, and publishes the step.

    Raises:
        MissingError: there is no cluster.
    """
    kubectl = shutil.which("kubectl")
    if not kubectl:
        raise MissingError("kubectl is not on PATH")
    namespace = f"bench-{uuid.uuid4().hex[:8]}"
    if subprocess.run([kubectl, "create", "namespace", namespace], capture_output=True, check=False).returncode:
        raise MissingError("no Kubernetes cluster answers")
    host = BASE.partition("/")[0]
    pipeline = Path(__file__).parent.parent / "tests" / "pipelines" / "elsewhere.py"
    try:
        with tempfile.TemporaryDirectory() as folder:
            compiled = fairing_kfp.compile(
                fairing_kfp.load_pipeline(str(pipeline)),
                registry=f"{host}/bench",
                project=namespace,
                insecure=[host],
                base_image=BASE,
                cache=Cache(Path(folder, "cache")),
                lock=str(Path(folder, "fairing.lock")),
            )
            cluster = Cluster(lambda: replace(from_kubeconfig(), namespace=namespace))
            yield Place(cluster, steps_of(compiled.text)["behave"], Path(folder))
    finally:
        subprocess.run([kubectl, "delete", "namespace", namespace, "--wait=false"], capture_output=True, check=False)


def _stage(seconds: float) -> Stages:
    return {"line": Cost(seconds)}


def _note(line: str, lags: list[float]) -> None:
    if line.startswith("LINE "):
        lags.append(time.time() - float(line.split()[1]))
