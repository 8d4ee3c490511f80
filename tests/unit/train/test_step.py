"""The training step: its requests to Kubernetes, their order, and cleaning up."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.errors import (
    ForbiddenError,
    ForeignObjectError,
    InvalidObjectError,
    JobFailedError,
    MissingObjectError,
)
from fairing_kfp.train import __main__ as program
from fairing_kfp.train import step as step_module
from fairing_kfp.train.kinds.kind import rules_of, training_kind
from fairing_kfp.train.spec import JobSpec
from fairing_kfp.train.step import train

SPEC = JobSpec("job", "train", "i", labels={"team": "a"})
INPUT = {
    "inputs": {"parameterValues": {"depth": 3, "fairing_task_config": {"env": [{"name": "A", "value": "1"}]}}},
    "outputs": {"outputFile": "/out/list"},
}
STEP_POD = {
    "metadata": {"labels": {"pipeline/runid": "r"}, "annotations": {"workflows.argoproj.io/node-name": "w.t(1)"}}
}


class Fake:
    """A cluster with at most one job; records requests.

    Attributes:
        job: the job.
        refuse: errors by request: `DELETE`, `POST dry`, `POST`.
    """

    namespace = "n"

    def __init__(self, job: dict[str, Any] | None = None) -> None:
        self.job = job
        self.asked: list[str] = []
        self.bodies: dict[str, Any] = {}
        self.refuse: dict[str, Exception] = {}
        self.denied: set[tuple[str, str, str]] = set()

    def clone(self, retry_timeout: float) -> Fake:
        return self

    def request(self, method: str, path: str, *, query: Any = None, body: Any = None, **_: Any) -> dict[str, Any]:
        if path.endswith("/pods/step"):
            return STEP_POD
        if path.endswith("/selfsubjectaccessreviews"):
            attributes = body["spec"]["resourceAttributes"]
            allowed = (attributes["resource"], attributes["subresource"], attributes["verb"]) not in self.denied
            return {"status": {"allowed": allowed}}
        if path.endswith("/selfsubjectreviews"):
            return {"status": {"userInfo": {"username": "system:serviceaccount:n:runner"}}}
        what = f"{method} dry" if "dryRun" in (query or {}) else method
        self.asked.append(what)
        self.bodies[what] = body
        if what in self.refuse:
            raise self.refuse[what]
        if what == "POST" and self.job is not None:
            raise ForeignObjectError("there", status=409)
        if what == "POST":
            self.job = {**body, "metadata": {**body["metadata"], "uid": "new", "resourceVersion": "1"}, "status": {}}
        if what in ("GET", "PATCH", "DELETE") and self.job is None:
            raise MissingObjectError("gone", status=404)
        if what == "PATCH" and self.job is not None:
            self.job = {**self.job, "metadata": {**self.job["metadata"], **body["metadata"]}}
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
    """The arguments of followers, which return at once, or raise an error that the test puts into the list."""
    given: list[Any] = []

    class Follower:
        def __init__(self, *arguments: Any) -> None:
            self.arguments = arguments

        def wait(self) -> None:
            raising = [one for one in given if isinstance(one, Exception)]
            given.append((self.arguments, self.arguments[4].job))
            if raising:
                raise raising[0]

    monkeypatch.setattr(step_module, "JobFollower", Follower)
    return given


def run(fake: Fake) -> list[str]:
    messages: list[str] = []
    cluster: Any = fake
    train(SPEC, INPUT, cluster, log=messages.append, log_line=messages.append)
    return messages


def test_job_is_tried_made_followed_and_deleted(followed: list[Any]) -> None:
    fake = Fake()
    (message,) = run(fake)
    assert fake.asked == ["POST dry", "POST", "GET", "DELETE"]
    body = fake.bodies["POST"]
    assert message == f"created Job {body['metadata']['name']} in namespace n"
    assert body["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Pod", "name": "step", "uid": "pod-uid"}
    ]
    assert body["metadata"]["labels"].items() >= {"team": "a", "fairing-kfp/run": "r"}.items()
    assert fake.bodies["DELETE"]["preconditions"] == {"uid": "new", "resourceVersion": "1"}
    assert {"name": "A", "value": "1"} in body["spec"]["template"]["spec"]["containers"][0]["env"]
    ((arguments, placed),) = followed
    assert placed.created
    # The code gets the same inputs as without the wrapper.
    assert arguments[3]["inputs"]["parameterValues"] == {"depth": 3}
    assert "fairing_task_config" in INPUT["inputs"]["parameterValues"]  # type: ignore[operator]


def test_job_of_a_caller_has_its_name_and_owner_and_is_kept(followed: list[Any]) -> None:
    fake, connections = Fake(), []
    cluster: Any = fake

    def connect(*arguments: Any) -> Any:
        connections.append(arguments)

    quiet: Any = lambda line: None  # noqa: E731
    owner = Owner("mine", "classic")
    train(SPEC, INPUT, cluster, log=quiet, log_line=quiet, owner=owner, name="digits", keep=True, connect=connect)

    assert fake.asked == ["POST dry", "POST"]
    metadata = fake.bodies["POST"]["metadata"]
    assert (metadata["name"], metadata["ownerReferences"]) == ("digits", [])
    assert metadata["labels"]["fairing-kfp/run"] == "mine"
    ((arguments, _),) = followed
    assert arguments[-1] is connect
    followed.append(JobFailedError("it failed"))
    with pytest.raises(JobFailedError):
        train(SPEC, INPUT, cluster, log=quiet, log_line=quiet, owner=owner, name="digits", keep=True)
    assert "DELETE" not in fake.asked


def earlier(**status: Any) -> dict[str, Any]:
    fake = Fake()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_module, "JobFollower", lambda *_: type("F", (), {"wait": lambda *_: None})())
        run(fake)
    return {**fake.bodies["POST"], "status": status} | {
        "metadata": {**fake.bodies["POST"]["metadata"], "uid": "old", "resourceVersion": "1", "namespace": "n"}
    }


def test_job_of_an_earlier_attempt_is_adopted(followed: list[Any]) -> None:
    fake = Fake(earlier())
    (message,) = run(fake)
    assert message.startswith("adopted ")
    assert fake.asked == ["POST dry", "POST", "GET", "PATCH", "GET", "DELETE"]
    assert fake.bodies["PATCH"]["metadata"]["uid"] == "old"
    assert fake.bodies["PATCH"]["metadata"]["ownerReferences"][0]["uid"] == "pod-uid"


@pytest.mark.parametrize("kind", ["Complete", "Failed"])
def test_finished_job_of_an_earlier_attempt_is_recreated(followed: list[Any], kind: str) -> None:
    fake = Fake(earlier(conditions=[{"type": kind, "status": "True"}]))
    (message,) = run(fake)
    assert message.startswith("created ")
    assert fake.asked == ["POST dry", "POST", "GET", "DELETE", "POST", "GET", "DELETE"]


def test_job_of_somebody_else_is_left_alone(followed: list[Any]) -> None:
    theirs = earlier()
    theirs["metadata"]["labels"] = {}
    fake = Fake(theirs)
    with pytest.raises(ForeignObjectError, match="belongs to another owner"):
        run(fake)
    assert fake.job is theirs
    assert followed == []


def test_all_missing_permissions_are_named_before_anything_is_made(followed: list[Any]) -> None:
    fake = Fake()
    fake.denied = {("jobs", "", "watch"), ("jobs", "", "delete"), ("pods", "", "patch"), ("pods", "log", "get")}
    with pytest.raises(ForbiddenError) as caught:
        run(fake)
    assert caught.value.message == (
        "system:serviceaccount:n:runner may not delete, watch jobs.batch; patch pods; get pods/log in the namespace n"
    )
    granted, bound = yaml.safe_load_all(caught.value.remedy.partition("\n")[2])
    assert granted["rules"] == [rule.as_json() for rule in rules_of(training_kind("job"))]
    assert bound["subjects"] == [{"kind": "ServiceAccount", "name": "runner", "namespace": "n"}]
    assert fake.asked == []


def test_rejected_job_is_not_created(followed: list[Any]) -> None:
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


@pytest.mark.parametrize("outcome", ["succeeds", "fails"])
def test_attempt_that_lost_leaves_the_job_to_the_winner(followed: list[Any], outcome: str) -> None:
    class Taken(Fake):
        def request(self, method: str, path: str, **more: Any) -> dict[str, Any]:
            if method == "GET" and self.job is not None:
                self.job["metadata"]["annotations"] = {"fairing-kfp/attempt": "of the winner"}
            return super().request(method, path, **more)

    fake = Taken()
    if outcome == "fails":
        followed.append(JobFailedError("another attempt took over"))
        with pytest.raises(JobFailedError):
            run(fake)
    else:
        run(fake)
    assert fake.asked == ["POST dry", "POST", "GET"]
    assert fake.job is not None


def test_job_that_is_taken_over_while_it_is_deleted_stays(followed: list[Any]) -> None:
    class Taken(Fake):
        def request(self, method: str, path: str, **more: Any) -> dict[str, Any]:
            if method == "DELETE" and self.job is not None:
                self.asked.append("conflict")
                self.job["metadata"]["annotations"] = {"fairing-kfp/attempt": "of the winner"}
                raise ForeignObjectError("the resourceVersion is another one", status=409)
            return super().request(method, path, **more)

    fake = Taken()
    run(fake)
    assert fake.asked == ["POST dry", "POST", "GET", "conflict", "GET"]


def test_job_that_cannot_be_deleted_does_not_fail_what_is_done(followed: list[Any]) -> None:
    fake = Fake()
    fake.refuse["DELETE"] = ForbiddenError("may not delete")
    messages = run(fake)
    assert messages[1].startswith("cannot delete Job ")
    assert messages[1].endswith(" in namespace n: may not delete")


def test_job_that_cannot_be_deleted_is_named_beside_the_failure(
    followed: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    followed.append(JobFailedError("the job failed", "see why"))
    fake = Fake()
    fake.refuse["DELETE"] = ForbiddenError("may not delete")
    monkeypatch.setattr(program, "Cluster", lambda: fake)
    assert program.main(["--executor_input", json.dumps(INPUT), "--order", SPEC.text()]) == 1
    messages = capsys.readouterr()
    assert messages.out.startswith("fairing-kfp: created Job ")
    assert messages.err.startswith("fairing-kfp: the job failed\n")
    assert "in the namespace n is left behind: may not delete" in messages.err


def test_program_ends_well_with_its_job(
    followed: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "Cluster", Fake)
    assert program.main(["--executor_input", json.dumps(INPUT), "--order", SPEC.text()]) == 0
    assert capsys.readouterr().err == ""


def test_malformed_spec_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--executor_input", "{}", "--order", "{}"]) == 1
    assert "compile the pipeline again" in capsys.readouterr().err
    assert issubclass(program.Cluster, Cluster)
