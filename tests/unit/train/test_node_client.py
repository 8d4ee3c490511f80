"""The client of a node, with a node on loopback that has the same files."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fairing_kfp.errors import ExchangeError
from fairing_kfp.runtime.work import Work
from fairing_kfp.train.node_client import Node, inputs_of, new_token, verifier_of
from tests.support.cutting_proxy import cutting_proxy
from tests.support.loopback_node import TOKEN, executor_input, loopback_node, work

COPIES = """
    import shutil
    shutil.copytree(given["inputs"]["artifacts"]["data"]["artifacts"][0]["uri"],
                    given["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"])
    pathlib.Path(given["outputs"]["outputFile"]).write_text("{}")
"""
NAMES = ["a b", "ü/ö.txt", "empty", os.fsdecode(b"latin-\xfc"), "deep/er/&?#+%20", "big"]


def client(port: int, patience: float = 20, alive: Callable[[], bool] = lambda: True, token: str = TOKEN) -> Node:
    return Node("127.0.0.1", token, alive, patience, port)


def filled(folder: Path, big: int = 3_000_000) -> dict[str, bytes]:
    """Writes files with unusual names, and returns their content."""
    contents = {name: b"" if name == "empty" else os.urandom(big if name == "big" else 9) for name in NAMES}
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return contents


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def marks(folder: Path) -> set[tuple[int, int]]:
    """Inodes and times of files, by which rewritten files are recognized."""
    found = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return {(one.st_ino, one.st_mtime_ns) for one in found}


def test_files_are_sent_and_fetched(tmp_path: Path) -> None:
    contents, laid = filled(tmp_path / "data"), marks(tmp_path / "data")
    given = executor_input(tmp_path / "out", data=tmp_path / "data")
    with loopback_node(tmp_path / "node", COPIES) as running:
        node = client(running.port)
        node.send(inputs_of(given))
        assert files_in(tmp_path / "data") == contents
        assert not marks(tmp_path / "data") & laid

        node.start(Work(given))
        node.start(Work(given))
        assert node.state()["code"] == 0
        made = marks(tmp_path / "out")
        files = node.outputs(given)
        assert sum(size for _, size in files) == sum(map(len, contents.values())) + 2
        node.fetch(files)
        assert files_in(tmp_path / "out" / "model") == contents
        assert not marks(tmp_path / "out") & made

        node.end()
        assert running.ended.result(20) == 0


def test_node_that_listens_late_is_asked_again(tmp_path: Path) -> None:
    with loopback_node(tmp_path) as running, cutting_proxy("127.0.0.1", running.port) as proxy:
        proxy.leave(0.4)
        assert client(int(proxy.address.split(":")[1])).state(0)["phase"] == "waiting"


def test_node_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match=r"127\.0\.0\.1 does not answer on port 9: .*refused") as caught:
        client(9, patience=0.2).state(0)
    assert "network policies" in caught.value.remedy


def test_node_that_is_gone_is_not_asked_again() -> None:
    begun = time.monotonic()
    with pytest.raises(ExchangeError, match="does not answer"):
        client(9, patience=60, alive=lambda: False).state(0)
    assert time.monotonic() - begun < 30


def test_new_token_is_retried_until_the_node_knows_it(tmp_path: Path) -> None:
    token = new_token()
    with loopback_node(tmp_path) as running:
        renewed = threading.Timer(0.3, running.know, (token,))
        renewed.start()
        assert client(running.port, token=token).state(0)["phase"] == "waiting"
        with pytest.raises(ExchangeError, match="belongs to another attempt of the task"):
            client(running.port, patience=0.1).state(0)
        assert running.verifier.read_text() == verifier_of(token)


def test_tokens_differ() -> None:
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) >= 40


@pytest.mark.parametrize("pieces", [1, 20])
def test_file_that_breaks_off_is_sent_and_fetched_again(tmp_path: Path, pieces: int) -> None:
    contents = filled(tmp_path / "data", 30_000_000)
    given = executor_input(tmp_path / "out", data=tmp_path / "data")
    with loopback_node(tmp_path / "node", COPIES) as running, cutting_proxy("127.0.0.1", running.port) as proxy:
        contacts = 0
        record_contact = running.node.record_contact

        def record_and_cut() -> None:
            nonlocal contacts
            record_contact()
            contacts += 1
            if contacts % 40 == 6 + pieces and contacts < 120:
                proxy.cut()

        node = client(int(proxy.address.split(":")[1]))
        running.node.record_contact = record_and_cut  # type: ignore[method-assign]
        node.send(inputs_of(given))
        assert files_in(tmp_path / "data") == contents
        node.start(Work(given))
        node.state()
        node.fetch(node.outputs(given))
    assert files_in(tmp_path / "out" / "model") == contents
    assert proxy.accepted > 2


def test_errors_of_the_nodes_files_are_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with loopback_node(tmp_path / "node") as running:
        node = client(running.port)
        running.node.start(work(tmp_path))
        assert node.state()["code"] == 0
        with pytest.raises(ExchangeError, match=f"with 500: No such file or directory: {tmp_path}/model") as caught:
            node.fetch([(str(tmp_path / "model"), 1)])
    assert "disk space" in caught.value.remedy


def test_missing_input_is_reported_at_once(tmp_path: Path) -> None:
    gone = r"cannot read .*gone in the step's pod: No such file"
    with loopback_node(tmp_path) as running, pytest.raises(ExchangeError, match=gone):
        client(running.port, patience=60).send([(str(tmp_path / "gone"), 1)])


def test_full_disk_of_the_step_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = executor_input(tmp_path)
    with loopback_node(
        tmp_path / "node", "open(given['outputs']['outputFile'], 'w').write('x' * 9_000_000)"
    ) as running:
        node = client(running.port, patience=60)
        node.start(Work(given))
        assert node.state()["code"] == 0
        files = node.outputs(given)
        full = os.open("/dev/full", os.O_WRONLY)
        monkeypatch.setattr("tempfile.mkstemp", lambda **_: (full, str(tmp_path / ".partial-x")))
        with pytest.raises(ExchangeError, match=r"output_metadata\.json in the step's pod: No space left on device"):
            node.fetch(files)


def test_file_that_is_not_an_output_is_rejected(tmp_path: Path) -> None:
    with loopback_node(tmp_path / "node", "open(given['outputs']['outputFile'], 'w')") as running:
        node = client(running.port)
        node.start(work(tmp_path))
        assert node.state()["code"] == 0
        with pytest.raises(ExchangeError, match="which is not an output"):
            node.outputs(executor_input(tmp_path / "elsewhere"))
