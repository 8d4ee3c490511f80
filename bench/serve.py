"""The model server, and KServe's ModelServer, with the same model and packages."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.load import load, steady
from bench.measure import Cost, MissingError, Runs, Stages, Table, take_turns
from bench.serve_python import SKLEARN, serve_python
from fairing_kfp import Endpoint, fairing_component
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import FairingError
from fairing_kfp.local.process import environment
from fairing_kfp.local.server import server_image
from fairing_kfp.serving.client import payload
from tests.support.kserve_python import RELEASE
from tests.support.paths import TOP
from tests.support.services import free_port

ROUNDS = 5
CONNECTIONS = 8
RATE = 1000  # requests a second
STEADY = f"{RATE:,} requests a second on one core, 99 of 100, above the model's own time"

_Command = Callable[[int], tuple[list[str], dict[str, str]]]
_HERE = Path(__file__).parent
_NOTE = (
    "A logistic regression on scikit-learn's digits, 64 numbers an instance. {connections} connections, each of "
    "which sends the next request once it has the response; the time of each request is the total time divided by "
    "their number, so its ratio is that of requests per second. The client takes {client:.0f} µs of CPU a request of "
    "ours at most, so it is not the limit. At {rate:,} requests a second, the server has one core and the client the "
    "other, with priority if root runs the benchmark, and a response time begins when its request is due; requests "
    "during which the kernel did not run the client do not count; the model's own time for one instance is "
    "{model:.0f} µs. Both servers log each request, to /dev/null, and run on uvicorn, uvloop and httptools. KServe is "
    "{release}; its gRPC server and its latency log are off. fairing-kfp's server does not predict in its event loop, "
    "so that it answers probes meanwhile. A start ends with the first response; without packages, the predictor adds "
    "the numbers of an instance. Memory is that of the process after all requests."
)
_ASGI = (
    "Our server's application, with V1 requests of one instance: in our server, with its deadlines for slow clients "
    "and its limit on connections, and in uvicorn and granian as they are, without them."
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


@fairing_component(name="digits")
class Sums:
    def load(self, model_path: str) -> None: ...

    def predict(self, instances: list) -> list:  # type: ignore[type-arg]
        return [sum(one) for one in instances]


def measure() -> list[Table]:
    """Compares requests, start and memory with KServe's server, and requests with other ASGI servers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            python = str(serve_python())
            launches = {one: server_image(one.source, Cache(folder / "cache")).launch for one in (Digits, Sums)}
        except (OSError, FairingError) as error:
            raise MissingError(str(error)) from error
        model = folder / "model"
        subprocess.run([python, "-c", _LEARN, str(model)], check=True)
        own = float(subprocess.check_output([python, "-c", _OWN, str(model)]))

        def ours(predictor: Any, port: int) -> tuple[list[str], dict[str, str]]:
            launch = launches[predictor]
            return launch.command, _variables(launch.command, launch.env, model, port)

        def kserve(path: str, port: int) -> tuple[list[str], dict[str, str]]:
            return [python, "-I", str(_HERE / "by_kserve.py"), path, str(port)], {}

        def asgi(words: str, port: int) -> tuple[list[str], dict[str, str]]:
            command = [python, "-m", *words.split(), "--port", str(port), "bench.by_asgi:application"]
            return command, {"MODEL": str(model), "PYTHONPATH": str(TOP), "PATH": os.environ["PATH"]}

        runs = take_turns(
            ROUNDS,
            {
                "ours": lambda: {**_serves(partial(ours, Digits), own), **_starts(partial(ours, Sums))},
                "kserve": lambda: {**_serves(partial(kserve, str(model)), own), **_starts(partial(kserve, ""))},
                **{name: partial(_answers_one, partial(asgi, words)) for name, words in _SERVERS.items()},
            },
        )
    return [*_tables(runs, own), *_asgi_tables(runs)]


_OWN = """
import pickle, sys, time
import numpy as np
model, one, took = pickle.load(open(sys.argv[1], "rb")), np.zeros((1, 64)), []
for _ in range(2000):
    began = time.perf_counter()
    model.predict(one)
    took.append(time.perf_counter() - began)
print(sorted(took)[1000])
"""
_SERVERS = {
    "uvicorn": "uvicorn --loop uvloop --http httptools --no-access-log --log-level warning",
    "granian": "granian --interface asgi --loop uvloop --no-access-log --log-level warning",
}


def _tables(runs: Runs, own: float) -> list[Table]:
    rows = [
        runs.row(f"{case}, {what}", "ours", "kserve", f"{case} {what}")
        for case in _requests(0)
        for what in ("each request", "median", "99 of 100", "CPU of the server")
    ]
    rows.append(runs.row(STEADY, "ours", "kserve", "steady"))
    rows.append(runs.row("start until the first answer", "ours", "kserve", "start"))
    rows.append(runs.row("start until the first answer, without packages", "ours", "kserve", "bare start"))
    memory = runs.row("resident", "ours", "kserve", "memory", of="peak")
    client = max(round_["ours"][f"{case} client"].seconds for round_ in runs.rounds for case in _requests(0))
    note = _NOTE.format(connections=CONNECTIONS, release=RELEASE, rate=RATE, model=own * 1e6, client=client * 1e6)
    peer = "KServe's ModelServer"
    return [Table("our server", peer, tuple(rows), note), Table("our server", peer, (memory,))]


def _asgi_tables(runs: Runs) -> list[Table]:
    case = next(iter(_requests(0)))
    return [
        Table(
            "our server",
            name,
            tuple(
                runs.row(what, "ours", name, f"{case} {what}")
                for what in ("each request", "median", "99 of 100", "CPU of the server")
            ),
            _ASGI if name == list(_SERVERS)[-1] else "",
        )
        for name in _SERVERS
    ]


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


@contextlib.contextmanager
def _running(start: _Command) -> Iterator[tuple[int, int, float]]:
    """Runs a server: its port, its process id, and the time until it answered."""
    port = free_port()
    command, env = start(port)
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=env or None, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tempfile.gettempdir()
    )
    try:
        _answers(process, port)
        yield port, process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(60)


def _serves(start: _Command, own: float) -> Stages:
    """All requests, and the start, of a server with the model, whose own time is `own`."""
    with _running(start) as (port, pid, seconds):
        stages: dict[str, Cost] = {"start": Cost(seconds)}
        for case in _requests(port):
            stages |= _case(port, pid, case)
        with _one_core(pid), _preferred():
            request, _ = next(iter(_requests(port).values()))
            slow = steady(port, request, RATE, 3 * RATE, 2 * CONNECTIONS).slow
        stages["steady"] = Cost(max(slow - own, 1e-6))
        stages["memory"] = Cost(0, peak=_resident(pid))
    return stages


def _starts(start: _Command) -> Stages:
    with _running(start) as (_, _, seconds):
        return {"bare start": Cost(seconds)}


def _answers_one(start: _Command) -> Stages:
    with _running(start) as (port, pid, _):
        return _case(port, pid, next(iter(_requests(port))))


def _case(port: int, pid: int, case: str) -> Stages:
    request, count = _requests(port)[case]
    load(port, request, 200, CONNECTIONS)
    before = _cpu(pid)
    done = load(port, request, count, CONNECTIONS)
    found = {
        "each request": done.each,
        "median": done.median,
        "99 of 100": done.slow,
        "CPU of the server": (_cpu(pid) - before) / count,
        "client": done.client,
    }
    return {f"{case} {what}": Cost(seconds) for what, seconds in found.items()}


def _cpu(pid: int) -> float:
    """CPU time of a process and its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") + sum(_cpu(int(child)) for child in children)


@contextlib.contextmanager
def _one_core(pid: int) -> Iterator[None]:
    """Gives a server one core, and this process another one, if there are two."""
    before = os.sched_getaffinity(0)
    first, *others = sorted(before)
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {first})
    os.sched_setaffinity(0, others or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _preferred() -> Iterator[None]:
    """Gives this session, which the server is part of, priority over others; only root may, with Linux' autogroups."""
    priority = Path("/proc/self/autogroup")
    try:
        priority.write_text("-19")
    except OSError:
        yield
        return
    try:
        yield
    finally:
        priority.write_text("0")


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
