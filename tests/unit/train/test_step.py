"""The train step: what it asks of Kubernetes, in which order, and what it leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.errors import (
    ForbiddenError,
    ForeignObjectError,
    InvalidObjectError,
    JobFailedError,
    MissingObjectError,
)
from fairing_kfp.train import __main__ as program
from fairing_kfp.train import step as step_module
from fairing_kfp.train.order import Order
from fairing_kfp.train.step import train

ORDER = Order("job", "train", "i", labels={"team": "a"})
INPUT = {
    "inputs": {"parameterValues": {"depth": 3, "fairing_task_config": {"env": [{"name": "A", "value": "1"}]}}},
    "outputs": {"outputFile": "/out/list"},
}
STEP_POD = {
    "metadata": {"labels": {"pipeline/runid": "r"}, "annotations": {"workflows.argoproj.io/node-name": "w.t(1)"}}
}


class Fake:
    """Kubernetes with at most one job; notes what it is asked.

    Attributes:
        job: the one.
        refuse: errors by what is asked: `DELETE`, `POST dry`, `POST`.
    """

    namespace = "n"

    def __init__(self, job: dict[str, Any] | None = None) -> None:
        self.job = job
        self.asked: list[str] = []
        self.bodies: dict[str, Any] = {}
        self.refuse: dict[str, Exception] = {}

    def apart(self, patience: float) -> Fake:
        return self

    def request(self, method: str, path: str, *, query: Any = None, body: Any = None, **_: Any) -> dict[str, Any]:
        if path.endswith("/pods/step"):
            return STEP_POD
        what = f"{method} dry" if "dryRun" in (query or {}) else method
        self.asked.append(what)
        self.bodies[what] = body
        if what in self.refuse:
            raise self.refuse[what]
        if what == "POST" and self.job is not None:
            raise ForeignObjectError("there", status=409)
        if what == "POST":
            self.job = {**body, "metadata": {**body["metadata"], "uid": "new"}, "status": {}}
        if what in ("GET", "PATCH", "DELETE") and self.job is None:
            raise MissingObjectError("gone", status=404)
        found = self.job or {}
        if what == "DELETE":
            self.job = None
        return found


@pytest.fixture(autouse=True)
def in_a_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFP_POD_NAME", "step")
    monkeypatch.setenv("KFP_POD_UID", "pod-uid")


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a follower was given; it returns at once, or raises what a test puts into the list."""
    given: list[Any] = []

    class Follower:
        def __init__(self, *arguments: Any) -> None:
            self.arguments = arguments

        def to_the_end(self, kind: Any, placed: Any) -> None:
            raising = [one for one in given if isinstance(one, Exception)]
            given.append((self.arguments, placed))
            if raising:
                raise raising[0]

    monkeypatch.setattr(step_module, "JobFollower", Follower)
    return given


def run(fake: Fake) -> list[str]:
    said: list[str] = []
    cluster: Any = fake
    train(ORDER, INPUT, cluster, say=said.append, show=said.append)
    return said


def test_job_is_tried_made_followed_and_deleted(followed: list[Any]) -> None:
    fake = Fake()
    (said,) = run(fake)
    assert fake.asked == ["POST dry", "POST", "DELETE"]
    body = fake.bodies["POST"]
    assert said == f"Job {body['metadata']['name']} in the namespace n made"
    assert body["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Pod", "name": "step", "uid": "pod-uid"}
    ]
    assert body["metadata"]["labels"].items() >= {"team": "a", "fairing-kfp/run": "r"}.items()
    assert fake.bodies["DELETE"]["preconditions"] == {"uid": "new"}
    assert {"name": "A", "value": "1"} in body["spec"]["template"]["spec"]["containers"][0]["env"]
    ((arguments, placed),) = followed
    assert placed.created
    # What the code gets is what it would have got without us.
    assert arguments[3]["inputs"]["parameterValues"] == {"depth": 3}
    assert "fairing_task_config" in INPUT["inputs"]["parameterValues"]  # type: ignore[operator]


def earlier(**status: Any) -> dict[str, Any]:
    fake = Fake()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_module, "JobFollower", lambda *_: type("F", (), {"to_the_end": lambda *_: None})())
        run(fake)
    return {**fake.bodies["POST"], "status": status} | {
        "metadata": {**fake.bodies["POST"]["metadata"], "uid": "old", "namespace": "n"}
    }


def test_job_of_an_earlier_attempt_is_adopted(followed: list[Any]) -> None:
    fake = Fake(earlier())
    (said,) = run(fake)
    assert said.endswith("adopted")
    assert fake.asked == ["POST dry", "POST", "GET", "PATCH", "DELETE"]
    assert fake.bodies["PATCH"]["metadata"]["uid"] == "old"
    assert fake.bodies["PATCH"]["metadata"]["ownerReferences"][0]["uid"] == "pod-uid"


@pytest.mark.parametrize("kind", ["Complete", "Failed"])
def test_job_of_an_earlier_attempt_that_is_over_is_made_anew(followed: list[Any], kind: str) -> None:
    fake = Fake(earlier(conditions=[{"type": kind, "status": "True"}]))
    (said,) = run(fake)
    assert said.endswith("made")
    assert fake.asked == ["POST dry", "POST", "GET", "DELETE", "POST", "DELETE"]


def test_job_of_somebody_else_is_left_alone(followed: list[Any]) -> None:
    theirs = earlier()
    theirs["metadata"]["labels"] = {}
    fake = Fake(theirs)
    with pytest.raises(ForeignObjectError, match="is not ours"):
        run(fake)
    assert fake.job is theirs
    assert followed == []


def test_what_is_refused_is_not_made(followed: list[Any]) -> None:
    fake = Fake()
    fake.refuse["POST dry"] = InvalidObjectError("malformed")
    with pytest.raises(InvalidObjectError, match="malformed"):
        run(fake)
    assert fake.asked == ["POST dry"]


def test_failed_job_is_deleted(followed: list[Any]) -> None:
    followed.append(JobFailedError("failed"))
    fake = Fake()
    with pytest.raises(JobFailedError, match="failed"):
        run(fake)
    assert fake.job is None


def test_job_that_cannot_be_deleted_does_not_fail_what_is_done(followed: list[Any]) -> None:
    fake = Fake()
    fake.refuse["DELETE"] = ForbiddenError("may not delete")
    said = run(fake)
    assert "is left behind: may not delete" in said[1]


def test_job_that_cannot_be_deleted_is_named_beside_the_failure(
    followed: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    followed.append(JobFailedError("the job failed", "see why"))
    fake = Fake()
    fake.refuse["DELETE"] = ForbiddenError("may not delete")
    monkeypatch.setattr(program, "Cluster", lambda: fake)
    assert program.main(["--executor_input", json.dumps(INPUT), "--order", ORDER.text()]) == 1
    said = capsys.readouterr()
    assert "made\n" in said.out
    assert said.err.startswith("fairing-kfp: the job failed\n")
    assert "in the namespace n is left behind: may not delete" in said.err


def test_program_ends_well_with_its_job(
    followed: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "Cluster", Fake)
    assert program.main(["--executor_input", json.dumps(INPUT), "--order", ORDER.text()]) == 0
    assert capsys.readouterr().err == ""


def test_order_that_cannot_be_read_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--executor_input", "{}", "--order", "{}"]) == 1
    assert "compile the pipeline anew" in capsys.readouterr().err
    assert issubclass(program.Cluster, Cluster)
