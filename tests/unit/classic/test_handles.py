"""What `submit` and `create` return."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fairing_kfp.classic.deployers.job.job import Job
from fairing_kfp.classic.work.endpoint import EndpointHandle
from fairing_kfp.classic.work.job import JobHandle
from fairing_kfp.errors import ConfigError, JobFailedError


def test_a_job_is_followed_in_the_background_and_its_log_printed(capsys: pytest.CaptureFixture[str]) -> None:
    go = threading.Event()

    def run(log_line: Callable[[str], None]) -> int:
        log_line("first")
        go.wait(10)
        log_line("last")
        return 3

    job = JobHandle("train-1", run, go.set, "https://kfp.example.com/run").start()
    with pytest.raises(TimeoutError, match="train-1 has not ended after 0 s; it goes on"):
        job.wait(0)
    assert repr(job) == "JobHandle('train-1', running)"
    assert capsys.readouterr().out == ""
    job.delete()

    deployer = Job()
    deployer.handle = job
    deployer.get_logs()

    assert (job.wait(10), job.logs(), str(job), f"{job}") == (3, "first\nlast", "train-1", "train-1")
    assert capsys.readouterr().out == "first\nlast\n"


def test_a_failed_job_raises_each_time_it_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    def run(log_line: Callable[[str], None]) -> None:
        log_line("no data")
        raise JobFailedError("it failed")

    job = JobHandle("train-1", run, lambda: None)

    with pytest.raises(JobFailedError):
        job.stream()
    assert capsys.readouterr().out == "no data\n"
    for ask in (job.wait, job.print_log, lambda: job.result):
        with pytest.raises(JobFailedError):
            ask()
    with pytest.raises(ConfigError, match="has not deployed a job"):
        Job().get_logs()


def test_an_interrupted_job_is_interrupted() -> None:
    def run(log_line: Callable[[str], None]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        JobHandle("train-1", run, lambda: None).stream()


class Client:
    """Answers with what it is given."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, []  # type: ignore[var-annotated]

    def predict(self, instances: Any) -> Any:
        self.asked.append(instances)
        return self.answer


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        ([[1, 2]], {"names": [], "tensor": {"shape": [1, 2], "values": [1, 2]}}),
        (["cat", "dog"], {"names": [], "ndarray": ["cat", "dog"]}),
        ([[1], [2, 3]], {"names": [], "ndarray": [[1], [2, 3]]}),
        ([{"a": 1}], {"names": [], "ndarray": [{"a": 1}]}),
    ],
)
def test_predictions_have_the_form_of_fairings_servers(answer: Any, data: Any) -> None:
    client = Client(answer)

    @contextlib.contextmanager
    def connect() -> Iterator[Any]:
        yield client

    endpoint = EndpointHandle("http://digits.team.svc", connect, lambda: None)

    assert endpoint.predict_seldon(np.array([[1, 2]])) == {"data": data, "meta": {}}
    endpoint.predict_seldon(np.array([[1, 2]]), ["a", "b"])
    assert client.asked == [{"instances": [[1, 2]]}, {"instances": [{"a": 1, "b": 2}]}]
    assert endpoint.predict("x") == answer
    assert (str(endpoint), repr(endpoint)) == ("http://digits.team.svc", "EndpointHandle('http://digits.team.svc')")
