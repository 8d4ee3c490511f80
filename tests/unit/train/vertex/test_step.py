"""The training step on Vertex AI, with a stand-in that runs the jobs: files, failures and cleaning up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.cluster.owner import Owner
from fairing_kfp.errors import ConfigError, JobFailedError, VertexError
from fairing_kfp.train.task_config import TASK_CONFIG
from fairing_kfp.train.vertex.__main__ import main
from fairing_kfp.train.vertex.jobs import Jobs
from fairing_kfp.train.vertex.spec import OWNER
from tests.support.vertex_stand_in import BUCKET, Ending, Fault, Vertex
from tests.support.vertex_steps import IMAGE, Login, login
from tests.unit.train.vertex.conftest import Step


def posts(vertex: Vertex) -> list[str]:
    return [one for one in vertex.requests if one.startswith("POST /v1/")]


def test_inputs_and_outputs_are_transferred(step: Step) -> None:
    data = os.urandom(9 << 20)  # sent in several requests
    (step.folder / "scans").write_bytes(data)
    task = {"env": [{"name": "GREETING", "value": "good day"}]}
    step.executor_input["inputs"]["parameterValues"][TASK_CONFIG] = task

    step.run()

    assert (step.folder / "model" / "deep" / "weights").read_bytes() == data[::-1]
    assert (step.folder / "model" / "size").read_text() == str(len(data))
    assert (step.folder / "notes").read_text() == "good day"
    assert (step.folder / "parameters" / "half").read_text() == str(len(data) // 2)
    output = step.output()
    assert output["parameterValues"]["Output"] == len(data)
    (model,) = output["artifacts"]["model"]["artifacts"]
    assert model["uri"] == f"{step.folder}/model"
    assert model["metadata"] == {"word": "go"}
    assert "gs://" not in json.dumps(output)
    assert step.vertex.objects() == []
    job = step.vertex.only_job()
    assert job.display_name == step.owner.name("learn")
    assert step.messages[0].startswith(
        f"created custom job {job.display_name} with 9.4 MB of inputs: https://console.cloud."
    )
    assert f"{job.display_name}: succeeded" in step.messages


def test_only_the_first_machine_gives_outputs(step: Step) -> None:
    step.run(replace(step.spec, nodes=3))

    assert step.output()["parameterValues"]["Output"] == 160
    first, others = step.vertex.only_job().job_spec.worker_pool_specs
    assert (first.replica_count, others.replica_count) == (1, 2)
    assert f"/gcs/{BUCKET}/staging/" in first.container_spec.args[1]
    assert "/outputs/" not in others.container_spec.args[1]


def test_code_that_fails_fails_the_step(step: Step) -> None:
    step.executor_input["inputs"]["parameterValues"]["word"] = "fail"

    with pytest.raises(JobFailedError, match=r"failed: The replica workerpool0-0 exited .* status of 1") as caught:
        step.run()
    assert "/training/1?project=" in caught.value.remedy
    assert step.vertex.objects() == []
    assert not any(":cancel" in one for one in step.vertex.requests)


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ("The following quotas are exceeded: CustomModelTrainingCPUsPerProjectPerRegion", "more quota"),
        ("Resources are insufficient in region: europe-west4. Please try a different region.", "another region"),
        ("Replica workerpool0-0 ran out of memory.", "more memory than n1-standard-8"),
        ("Unable to pull the image, permission artifactregistry.repositories.downloadArtifacts denied", "reader"),
    ],
)
def test_failures_have_remedies(step: Step, message: str, remedy: str) -> None:
    step.vertex.run = lambda job, cancelled: (9, message)

    with pytest.raises(JobFailedError) as caught:
        step.run()
    assert message in caught.value.message
    assert remedy in caught.value.remedy


def test_a_quota_is_named_before_anything_runs(step: Step) -> None:
    step.vertex.faults.append(Fault("POST", "customJobs$", 429, "Quota exceeded for custom_model_training_cpus"))

    with pytest.raises(VertexError, match=r"create the custom job .* 429: Quota exceeded") as caught:
        step.run()
    assert "more quota" in caught.value.remedy
    assert step.vertex.jobs == {}
    assert step.vertex.objects() == []


def test_a_missing_role_is_named(step: Step) -> None:
    with pytest.raises(VertexError, match="403: Permission denied on resource project other-project") as caught:
        step.run(replace(step.spec, project="other-project"))
    assert "roles/aiplatform.user" in caught.value.remedy


def test_a_region_that_vertex_does_not_have_is_named(step: Step) -> None:
    with pytest.raises(VertexError, match="locations/mars-north1: Google answered 404: an HTML page instead") as caught:
        step.run(replace(step.spec, region="mars-north1"))
    assert "Vertex AI has the region mars-north1" in caught.value.remedy


def test_a_missing_bucket_is_named_before_anything_runs(step: Step) -> None:
    with pytest.raises(VertexError, match="404: The specified bucket does not exist") as caught:
        step.run(replace(step.spec, staging="gs://no-such-bucket/staging"))
    assert "create the bucket no-such-bucket" in caught.value.remedy
    assert posts(step.vertex) == []


def test_a_bucket_that_may_not_be_written_is_named(step: Step) -> None:
    step.vertex.faults.append(Fault("POST", "/upload/", 403, "nobody does not have storage.objects.create access"))

    with pytest.raises(VertexError, match=r"upload .*scans to gs://my-bucket.*storage\.objects\.create") as caught:
        step.run()
    assert "roles/storage.objectUser" in caught.value.remedy
    assert posts(step.vertex) == []


def test_unknown_accelerator_is_rejected_before_anything_is_sent(step: Step) -> None:
    with pytest.raises(ConfigError, match="no accelerator 'NVIDIA_TESLA_T5'") as caught:
        step.run(replace(step.spec, accelerator="NVIDIA_TESLA_T5"))
    assert "NVIDIA_TESLA_T4" in caught.value.remedy
    assert step.vertex.requests == []


def test_resources_of_the_task_are_rejected_before_anything_is_sent(step: Step) -> None:
    step.executor_input["inputs"]["parameterValues"][TASK_CONFIG] = {"resources": {"limits": {"memory": "8Gi"}}}

    with pytest.raises(ConfigError, match="requests memory") as caught:
        step.run()
    assert "machine=" in caught.value.remedy
    assert step.vertex.requests == []


def test_an_api_that_is_busy_is_asked_again(step: Step) -> None:
    step.vertex.faults += [
        Fault("GET", "customJobs$", 503),
        Fault("GET", r"customJobs/\d+$", 503, times=2),
        Fault("POST", "customJobs$", 503),
        Fault("GET", r"customJobs/\d+$", 0),
    ]

    step.run()

    assert step.vertex.faults == []
    assert len(step.vertex.jobs) == 1


def test_a_lost_answer_makes_no_second_job(step: Step) -> None:
    step.vertex.faults.append(Fault("POST", "customJobs$", 0))

    step.run()

    assert step.vertex.faults == []
    assert len(step.vertex.jobs) == 1
    assert step.output()["parameterValues"]["Output"] == 160


def test_an_api_that_stays_away_is_given_up(step: Step) -> None:
    step.vertex.faults.append(Fault("GET", r"customJobs/\d+$", 503, times=1000))
    jobs = Jobs(step.spec, Login(), patience=0.5)

    with pytest.raises(VertexError, match="no answer: it went wrong"):
        jobs.state(f"{step.spec.parent}/customJobs/1")


def blocked(step: Step) -> threading.Event:
    """Makes jobs run until they are cancelled, or the event is set."""
    go = threading.Event()
    runs = step.vertex.run

    def run(job: Any, cancelled: threading.Event) -> Ending:
        while not go.wait(0.02):
            if cancelled.is_set():
                return 0, ""
        return runs(job, cancelled)

    step.vertex.run = run
    return go


def waits(step: Step, holds: Callable[[], bool]) -> None:
    for _ in range(2400):  # Google's libraries take long to import on a busy machine
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(step.messages)


def in_background(step: Step) -> tuple[threading.Thread, list[BaseException]]:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            step.run()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


def test_cancelled_job_fails_the_step(step: Step) -> None:
    blocked(step)
    thread, raised = in_background(step)
    waits(step, lambda: any(line.endswith(": running") for line in step.messages))

    Jobs(step.spec, Login()).cancel(step.vertex.only_job().name)
    thread.join(20)

    assert isinstance(raised[0], JobFailedError)
    assert "was cancelled" in raised[0].message


def test_deleted_job_fails_the_step(step: Step) -> None:
    blocked(step)
    thread, raised = in_background(step)
    waits(step, lambda: any(line.endswith(": running") for line in step.messages))

    step.vertex.jobs.clear()
    thread.join(20)

    assert "The CustomJob does not exist" in str(raised[0])
    assert "the job was deleted" in str(raised[0])


def test_a_retry_adopts_the_job_of_a_killed_attempt(step: Step) -> None:
    go = blocked(step)
    process = as_process(step)
    waits(step, lambda: bool(step.vertex.jobs))
    process.kill()
    process.wait(10)
    go.set()

    step.run()

    assert len(step.vertex.jobs) == 1
    assert "adopted" in step.messages[0]
    assert step.output()["parameterValues"]["Output"] == 160
    assert step.vertex.objects() == []


def test_retry_downloads_outputs_of_an_earlier_attempt(step: Step) -> None:
    step.vertex.faults.append(Fault("GET", "/download/", 403, "not yours", times=20))
    with pytest.raises(VertexError, match="download gs://my-bucket"):
        step.run()
    assert any("from where a retry downloads them" in line for line in step.messages)
    step.vertex.faults.clear()

    step.run()

    assert len(step.vertex.jobs) == 1
    assert step.output()["parameterValues"]["Output"] == 160
    assert step.vertex.objects() == []


def test_an_attempt_after_one_that_succeeded_or_failed_makes_a_new_job(step: Step) -> None:
    step.executor_input["inputs"]["parameterValues"]["word"] = "fail"
    with pytest.raises(JobFailedError):
        step.run()
    step.executor_input["inputs"]["parameterValues"]["word"] = "go"
    step.run()
    step.run()

    assert len(step.vertex.jobs) == 3
    assert len({job.labels[OWNER] for job in step.vertex.jobs.values()}) == 1


def as_process(step: Step, **env: str) -> subprocess.Popen[str]:
    """The program of the step."""
    arguments = ["--executor_input", json.dumps(step.executor_input), "--order", step.spec.text()]
    # Outside of KFP the owner is derived from the spec and the inputs.
    step.owner = Owner.outside_kfp(f"{step.spec.text()}{json.dumps(step.executor_input)}")
    return subprocess.Popen(
        [sys.executable, "-m", "fairing_kfp.train.vertex", *arguments],
        env={
            **{name: value for name, value in os.environ.items() if name != "KFP_POD_NAME"},
            "GOOGLE_APPLICATION_CREDENTIALS": str(login(step.folder, step.vertex.endpoint)),
            "STORAGE_EMULATOR_HOST": step.vertex.endpoint,
            **env,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_terminated_step_cancels_its_job(step: Step) -> None:
    blocked(step)
    process = as_process(step)
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if ": running" in line:
            process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 128 + signal.SIGTERM, lines

    assert lines[-1] == f"fairing-kfp: cancelling {step.vertex.only_job().display_name}\n"
    assert step.vertex.cancels[step.vertex.only_job().name].is_set()
    assert step.vertex.objects() == []
    assert IMAGE in step.vertex.only_job().job_spec.worker_pool_specs[0].container_spec.image_uri


def test_program_reports_errors_in_a_few_lines(
    step: Step, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(login(step.folder, step.vertex.endpoint)))
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    spec = replace(step.spec, project="other-project").text()

    assert main(["--executor_input", json.dumps(step.executor_input), "--order", spec]) == 1
    text = capsys.readouterr().err
    assert text.startswith("fairing-kfp: cannot list the custom jobs of projects/other-project/locations/europe-west4")
    assert "→ grant the step's service account" in text


def test_program_reports_missing_clients_of_google(step: Step, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'google.cloud.aiplatform_v1':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
    )
    text, _ = as_process(step, PYTHONPATH=str(tmp_path)).communicate(timeout=30)

    assert "Google's clients are not installed" in text
    assert "--extra vertex" in text
