"""The model server, and KServe's ModelServer, with the same model and packages."""

from __future__ import annotations

import pickle
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.load import Load, load
from bench.measure import Cost, MissingError, Stages, Table, take_turns
from fairing_kfp import Endpoint, fairing_component
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import FairingError
from fairing_kfp.local.process import environment
from fairing_kfp.local.server import server_image
from fairing_kfp.serving.client import payload
from tests.support.kserve_python import RELEASE, SKLEARN, kserve_python
from tests.support.services import free_port

ROUNDS = 5
CONNECTIONS = 8

_Command = Callable[[int], tuple[list[str], dict[str, str]]]
_HERE = Path(__file__).parent
_NOTE = (
    "A logistic regression on scikit-learn's digits, 64 numbers an instance. {connections} connections, each of "
    "which sends the next request once it has the response; the time of each request is the total time divided by "
    "their number, so its ratio is that of requests per second. Both servers log each request, to /dev/null, and run "
    "on uvicorn, uvloop and httptools. KServe is {release}; its gRPC server and its latency log are off. fairing-kfp's "
    "server predicts in a thread, so that it answers probes meanwhile. A start ends with the first response; memory is "
    "that of the process after all requests."
)
_LEARN = """
import pickle, sys
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
found = load_digits()
made = LogisticRegression(max_iter=500).fit(found.data / 16, found.target)
open(sys.argv[1], "wb").write(pickle.dumps(made))
"""


@fairing_component(packages=[f"scikit-learn=={SKLEARN}"], name="digits")
class Digits:
    def load(self, model_path: str) -> None:
        self.model = pickle.loads(Path(model_path).read_bytes())

    def predict(self, instances: np.ndarray) -> np.ndarray:
        return self.model.predict(instances)  # type: ignore[no-any-return]


def measure() -> list[Table]:
    """Compares requests, start and memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            python = str(kserve_python())
            launch = server_image(Digits.source, Cache(folder / "cache")).launch
        except (OSError, FairingError) as error:
            raise MissingError(str(error)) from error
        model = folder / "model"
        subprocess.run([python, "-c", _LEARN, str(model)], check=True)
        contenders: Mapping[str, _Command] = {
            "ours": lambda port: (launch.command, _variables(launch.command, launch.env, model, port)),
            "kserve": lambda port: ([python, "-I", str(_HERE / "by_kserve.py"), str(model), str(port)], {}),
        }
        runs = take_turns(ROUNDS, {name: partial(_serves, one) for name, one in contenders.items()})
    rows = [
        runs.row(f"{case}, {what}", "ours", "kserve", f"{case} {what}")
        for case in _requests(0)
        for what in ("each request", "median", "99 of 100")
    ]
    rows.append(runs.row("start until the first answer", "ours", "kserve", "start"))
    memory = runs.row("resident", "ours", "kserve", "memory", of="peak")
    note = _NOTE.format(connections=CONNECTIONS, release=RELEASE)
    peer = "KServe's ModelServer"
    return [Table("our server", peer, tuple(rows), note), Table("our server", peer, (memory,))]


def _requests(port: int) -> dict[str, tuple[bytes, int]]:
    """Requests with one and with several instances, and how many times each is sent."""
    array = np.random.default_rng(0).random((64, 64)).round(3)
    v1, v2 = "/v1/models/digits:predict", "/v2/models/digits/infer"
    return {
        "V1, 1 instance": (_request(port, v1, *payload.to_v1(array[:1])), 2000),
        "V1, 64 instances": (_request(port, v1, *payload.to_v1(array)), 1000),
        "V2 in binary, 64 instances": (_request(port, v2, *payload.to_v2(array, binary=True)), 1000),
    }


def _request(port: int, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _variables(command: list[str], env: Mapping[str, str], model: Path, port: int) -> dict[str, str]:
    server = {"FAIRING_HOST": "127.0.0.1", "FAIRING_PORT": str(port), "FAIRING_LINGER_SECONDS": "0"}
    return environment(command, {**env, **server, "FAIRING_MODEL_PATH": str(model)})


def _serves(start: _Command) -> Stages:
    port = free_port()
    command, env = start(port)
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=env or None, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tempfile.gettempdir()
    )
    try:
        _answers(process, port)
        stages: dict[str, Cost] = {"start": Cost(time.perf_counter() - began)}
        for case, (request, count) in _requests(port).items():
            load(port, request, 200, CONNECTIONS)
            done: Load = load(port, request, count, CONNECTIONS)
            for what, seconds in (("each request", done.each), ("median", done.median), ("99 of 100", done.slow)):
                stages[f"{case} {what}"] = Cost(seconds)
        stages["memory"] = Cost(0, peak=_resident(process.pid))
    finally:
        process.terminate()
        process.wait(60)
    return stages


def _answers(process: subprocess.Popen[bytes], port: int) -> None:
    endpoint = Endpoint(f"http://127.0.0.1:{port}", "digits", protocol="v1", retries=0)
    while True:
        try:
            endpoint.predict([[0.0] * 64])
        except FairingError:
            if process.poll() is not None:
                raise RuntimeError(f"the server exited: {process.args!r}") from None
            time.sleep(0.02)
        else:
            return


def _resident(pid: int) -> int:
    lines: dict[str, Any] = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) * 1024
