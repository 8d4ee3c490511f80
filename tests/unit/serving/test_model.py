from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.errors import ConfigError, ServingError
from fairing_kfp.serving import model
from fairing_kfp.serving.model import Model, artifact
from fairing_kfp.serving.order import Order
from fairing_kfp.serving.outcome import Outcome
from fairing_kfp.serving.report import report
from fairing_kfp.serving.sample import Exchange, ask, body_of, url_of
from fairing_kfp.serving.storage import storage_uri


def test_a_file_is_loaded_by_its_own_path(tmp_path: Path) -> None:
    (tmp_path / "forest").write_bytes(b"abc")
    found = Model.of_artifact(tmp_path / "forest", "minio://a/forest")

    assert (found.path, found.size, set(found.files)) == ("/mnt/models/forest", 3, {"mnt/models/forest"})


def test_a_folder_is_loaded_whole_and_its_links_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/weights").write_bytes(b"abc")
    (folder / "link").symlink_to("deep/weights")
    found = Model.of_artifact(folder, "u")

    assert found.path == "/mnt/models"
    assert set(found.files) == {"mnt/models/deep/weights", "mnt/models/link"}


@pytest.mark.parametrize("made", [False, True])
def test_nothing_is_no_model(made: bool, tmp_path: Path) -> None:
    if made:
        (tmp_path / "model").mkdir()
    with pytest.raises(ServingError, match="minio://a/model holds no file"):
        Model.of_artifact(tmp_path / "model", "minio://a/model")


def test_large_models_are_several_layers_the_same_wherever_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "_LARGEST", 100)
    made = []
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        names = ("c", "a", "b", "d") if place == "one" else ("a", "b", "c", "d")
        for name in names:
            (tmp_path / place / name).write_bytes(name.encode() * {"a": 40, "b": 60, "c": 1, "d": 1000}[name])
        made.append(Model.of_artifact(tmp_path / place, "u").layers())

    assert [layer.digest for layer in made[0]] == [layer.digest for layer in made[1]]
    assert [layer.name for layer in made[0]] == ["model"] * 3  # a and b, c, d


def test_artifacts_lie_where_kfp_lays_them() -> None:
    given: dict[str, Any] = {"inputs": {"artifacts": {"model": {"artifacts": [{"uri": "minio://a/b"}]}}}}

    assert artifact(given) == (Path("/minio/a/b"), "minio://a/b")
    assert artifact({"inputs": {}}) is None


def test_requests_go_by_the_protocol_that_they_are_of() -> None:
    assert url_of("http://a", "m", [[1]]) == "http://a/v1/models/m:predict"
    assert url_of("http://a", "m", {"instances": [1]}) == "http://a/v1/models/m:predict"
    assert url_of("http://a", "m", {"inputs": []}) == "http://a/v2/models/m/infer"
    assert body_of([[1]]) == '{"instances": [[1]]}'
    assert body_of({"x": 1}) == '{"x": 1}'


def test_nobody_who_answers_is_an_error_in_time() -> None:
    with pytest.raises(ServingError, match=r"sample request to http://127\.0\.0\.1:1/"):
        ask("http://127.0.0.1:1", "m", [1], patience=0.3)


def test_reports_need_nothing_else_and_show_texts_as_they_are() -> None:
    order = Order("digits", image="i", sample=["<b>"])
    exchange = Exchange("http://digits.n.svc/x", '["<b>", "it\'s"]', '{"predictions": ["<script>"]}', 0.01)
    page = report(
        Outcome(order, "n", "http://digits.n.svc", "r/p@sha256:1", before="r/p@sha256:0", exchange=exchange, model="u")
    )

    assert "<script" not in page
    assert "<b>" not in page
    assert not re.search(r"\b(?:src|href)=", page)
    assert "fairing-kfp rollback digits r/p@sha256:0 --namespace n" in page
    assert len(report(Outcome(order, "n", "e", "i", exchange=Exchange("u", "r", "x" * 10**6, 1)))) < 20_000


@pytest.mark.parametrize(
    ("uri", "read"),
    [
        ("minio://b/m", "s3://b/m"),
        ("s3://b/m", "s3://b/m"),
        ("pvc://claim/m", "pvc://claim/m"),
        ("hf://o/m", "hf://o/m"),
    ],
)
def test_storage_is_named_as_kserve_reads_it(uri: str, read: str) -> None:
    assert storage_uri(uri) == read


@pytest.mark.parametrize("uri", ["", "/model", "file:///model", "minio:/b"])
def test_what_kserve_cannot_read_is_refused(uri: str) -> None:
    with pytest.raises(ConfigError):
        storage_uri(uri)
