"""Which files the inputs and outputs of a step are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.runtime.node_files import files_below, input_paths, is_within, local_path, output_paths

PARTS = st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("minio://mlpipeline/v2/a", "/minio/mlpipeline/v2/a"),
        ("gs://bucket/a", "/gcs/bucket/a"),
        ("s3://bucket/a", "/s3/bucket/a"),
        ("/tmp/a", "/tmp/a"),
        ("https://example.com/a", "https://example.com/a"),
    ],
)
def test_artifacts_lie_where_kfp_lays_them(uri: str, path: str) -> None:
    assert local_path(uri) == path


def test_inputs_are_all_artifacts_once_that_lie_in_files() -> None:
    shared = {"uri": "minio://b/workspace", "metadata": {"_kfp_workspace": True}}
    lists = {
        "one": {"artifacts": [{"uri": "minio://b/one"}]},
        "many": {"artifacts": [{"uri": "minio://b/one"}, {"uri": "s3://b/two", "metadata": {}}]},
        "elsewhere": {"artifacts": [{"uri": "https://example.com/a"}, shared]},
    }
    assert input_paths({"inputs": {"artifacts": lists}}) == ["/minio/b/one", "/s3/b/two"]
    assert input_paths({}) == []


def test_outputs_are_artifacts_parameters_and_the_list_of_both() -> None:
    outputs = {
        "outputFile": "/tmp/list.json",
        "parameters": {"score": {"outputFile": "/tmp/score"}},
        "artifacts": {"model": {"artifacts": [{"uri": "minio://b/model"}]}},
    }
    assert output_paths({"outputs": outputs}) == ["/minio/b/model", "/tmp/score", "/tmp/list.json"]


def test_files_of_folders_come_in_order_with_their_sizes(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "empty").mkdir()
    for name in ("c", "b/a", "a", "b/ü"):
        (tmp_path / name).write_text(name)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "c")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    found = [(os.path.relpath(path, tmp_path), size) for path, size in files_below(str(tmp_path))]
    assert found == [("a", 1), ("c", 1), ("link", 1), ("b/a", 3), ("b/ü", 4)]
    assert list(files_below(str(tmp_path / "c"))) == [(str(tmp_path / "c"), 1)]
    assert list(files_below(str(tmp_path / "nowhere"))) == []


def test_links_in_circles_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "here").symlink_to(".")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "f").write_text("x")
    (tmp_path / "a" / "out").symlink_to(tmp_path / "outside")
    found = [os.path.relpath(path, tmp_path) for path, _ in files_below(str(tmp_path / "a"))]
    assert found == ["a/out/f"]


@given(PARTS, PARTS)
def test_within_is_what_the_file_system_says(place: list[str], path: list[str]) -> None:
    top, below = "/" + "/".join(place), "/" + "/".join(path)
    real, wanted = os.path.normpath(below), os.path.normpath(top)
    assert is_within(below, [top]) == (os.path.commonpath([real, wanted]) == wanted)


@pytest.mark.parametrize("path", ["/out/../etc/passwd", "/outer", "/out2/a", "/", "out/a", ""])
def test_what_is_beside_is_not_within(path: str) -> None:
    assert not is_within(path, ["/out"])
