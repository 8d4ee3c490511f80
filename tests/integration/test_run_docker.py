"""Local runs with Docker, from published images."""

import os
from pathlib import Path

import pytest
from kfp import dsl, kubernetes

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.display.event import Event
from fairing_kfp.errors import DependencyError, StepFailedError
from tests.golden import PIPELINES
from tests.support.paths import TESTS
from tests.support.services import missing

pytestmark = [pytest.mark.docker, pytest.mark.registry]
_FAILING = str(TESTS / "pipelines" / "failing.py")


@pytest.fixture
def cache() -> Cache:
    """The test's own results of steps, with what all tests have packed."""
    return Cache()


@pytest.fixture
def options(docker_options: dict[str, object], cache: Cache) -> dict[str, object]:
    """Options to publish to the testbed and run with its Docker Engine."""
    return {**docker_options, "cache": cache}


def test_control_flow_in_containers(options: dict[str, object], tmp_path: Path) -> None:
    result = fairing_kfp.run(
        fairing_kfp.load_pipeline(PIPELINES["control-flow"]), {"count": 2}, output=tmp_path, **options
    )

    assert result.step("total").outputs["Output"] == 6
    assert result.step("say").outputs["Output"] == "little"


@pytest.mark.exhaustive  # the same steps run here
def test_values_of_classes_of_the_pipelines_file(options: dict[str, object], tmp_path: Path) -> None:
    typed = fairing_kfp.load_pipeline(str(TESTS / "pipelines" / "typed.py"))
    try:
        result = fairing_kfp.run(typed, {"name": "blue"}, output=tmp_path, **options)
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")
        raise

    assert result.step("read").outputs["Output"]["color"] == "blue"
    with pytest.raises(StepFailedError, match="paint: the input color: 'green' is not one of 'red', 'blue'"):
        fairing_kfp.run(typed, {"name": "green"}, output=tmp_path, **options)


def test_commands_of_other_images_volumes_and_imported_files(
    options: dict[str, object], base_image: str, tmp_path: Path
) -> None:
    data = tmp_path / "data.txt"
    data.write_text("7")

    @dsl.container_component
    def copy(source: dsl.Input[dsl.Dataset], suffix: str, count: dsl.OutputPath(int)):  # type: ignore[valid-type]
        script = 'cp "$0" "/data/$1" && cat "$0" > "$2"'
        name = dsl.ConcatPlaceholder(["copy", suffix])
        return dsl.ContainerSpec(image=base_image, command=["sh", "-c", script], args=[source.path, name, count])

    @dsl.container_component
    def look(text: dsl.OutputPath(str)):  # type: ignore[valid-type]
        return dsl.ContainerSpec(image=base_image, command=["sh", "-c", 'ls /mine > "$0"'], args=[text])

    @dsl.pipeline
    def pipeline() -> int:
        claim = kubernetes.CreatePVC(pvc_name_suffix="-disk", access_modes=["ReadWriteOnce"], size="1Gi")
        imported = dsl.importer(artifact_uri=str(data), artifact_class=dsl.Dataset)
        copied = copy(source=imported.output, suffix=".txt")
        kubernetes.mount_pvc(copied, pvc_name=claim.outputs["name"], mount_path="/data")
        seen = look().after(copied)
        kubernetes.mount_pvc(seen, pvc_name=claim.outputs["name"], mount_path="/mine")
        return copied.outputs["count"]

    result = fairing_kfp.run(pipeline, output=tmp_path / "runs", **options)

    assert result.outputs == {"Output": 7}
    assert result.step("look").outputs == {"text": "copy.txt\n"}


def test_outputs_belong_to_the_user(options: dict[str, object], tmp_path: Path) -> None:
    result = fairing_kfp.run(fairing_kfp.load_pipeline(f"{_FAILING}:owner"), output=tmp_path, **options)

    user, home, _, _ = result.outputs["Output"]
    assert user == os.getuid()
    assert home
    assert Path(result.step("whoami").artifacts["made"]).stat().st_uid == os.getuid()


@pytest.mark.parametrize(
    ("how", "expected"),
    [pytest.param("raise", "as it was told", marks=pytest.mark.exhaustive), ("leave", "without its outputs")],
)
def test_failure_in_a_container_fails_the_run(
    options: dict[str, object], tmp_path: Path, how: str, expected: str
) -> None:
    events: list[str] = []

    with pytest.raises(StepFailedError) as caught:
        fairing_kfp.run(
            fairing_kfp.load_pipeline(f"{_FAILING}:failing"),
            {"how": how},
            output=tmp_path,
            on_event=lambda event: events.append(event.text),
            **options,
        )

    assert expected in f"{caught.value}{events}"
    assert "before the failure" in caught.value.log


def test_secrets_reach_the_container_and_no_file(
    options: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = "-".join(["rather", "hidden"])
    monkeypatch.setenv("LOGIN_WORD", word)

    result = fairing_kfp.run(fairing_kfp.load_pipeline(f"{_FAILING}:logs_in"), output=tmp_path, **options)

    assert result.outputs["Output"] == len(word)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


def test_placed_files_are_in_the_image(options: dict[str, object], tmp_path: Path) -> None:
    result = fairing_kfp.run(fairing_kfp.load_pipeline(f"{_FAILING}:looks"), output=tmp_path, **options)

    assert result.outputs["Output"] == [
        '"""Steps that fail, each in a way of its own; `how` chooses."""',
        "/etc/lab/shared.py",
    ]


def test_a_served_model_answers_containers_of_later_steps(options: dict[str, object], tmp_path: Path) -> None:
    result = fairing_kfp.run(fairing_kfp.load_pipeline(PIPELINES["serving"]), output=tmp_path, **options)

    assert result.step("predict").outputs["Output"] == 14.0


def test_train_steps_are_one_container_with_a_warning(options: dict[str, object], tmp_path: Path) -> None:
    events: list[Event] = []
    pipeline = fairing_kfp.load_pipeline(str(TESTS / "pipelines" / "training.py"))

    result = fairing_kfp.run(pipeline, {"depth": 6}, output=tmp_path, on_event=events.append, **options)

    assert result.outputs == {"Output": 3.0}
    assert [event.text for event in events if event.kind == "warn"] == [
        "train runs here as one container; on Kubernetes it is a TrainJob of 2 nodes",
    ]
