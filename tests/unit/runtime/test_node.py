"""Nodes of training jobs: when they run their code, and when they end."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from fairing_kfp.runtime import handshake
from fairing_kfp.runtime.node import ENDED, RUNNING, WAITING, Node
from tests.support.loopback_node import TOKEN, Loopback, loopback_node, work


def wait_for(node: Node, phase: str) -> None:
    end = time.monotonic() + 60
    while node.state()["phase"] != phase:
        assert time.monotonic() < end
        time.sleep(0.02)


def wait_for_file(path: Path, text: str = "") -> None:
    end = time.monotonic() + 60
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(running: Loopback) -> int:
    return running.ended.result(60)


def test_first_node_ends_when_its_outputs_were_fetched(tmp_path: Path) -> None:
    with loopback_node(tmp_path) as running:
        assert running.node.state() == {"phase": WAITING, "code": None, "peers": []}
        running.node.start(work(tmp_path))
        assert running.node.wait(60) == {"phase": ENDED, "code": 0, "peers": ["127.0.0.1"]}
        assert not running.ended.done()
        running.node.release()
        assert ended(running) == 0


@pytest.mark.parametrize(("rank", "program", "code"), [(1, "", 0), (0, "sys.exit(3)", 3), (1, "sys.exit(4)", 4)])
def test_other_nodes_and_those_that_failed_wait_for_nobody(tmp_path: Path, rank: int, program: str, code: int) -> None:
    with loopback_node(tmp_path, program) as running:
        running.node.start(work(tmp_path, rank, ("10.0.0.1", "10.0.0.2")))
        assert ended(running) == code


def test_code_killed_by_a_signal_gives_the_code_of_shells(tmp_path: Path) -> None:
    with loopback_node(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)") as running:
        running.node.start(work(tmp_path))
        assert ended(running) == 137


def test_code_is_told_its_rank_and_its_peers(tmp_path: Path) -> None:
    program = """
        names = ["FAIRING_RANK", "FAIRING_NODES", "FAIRING_PEERS", "JAX_COORDINATOR_ADDRESS"]
        pathlib.Path(given["outputs"]["outputFile"]).write_text(" ".join(os.environ[name] for name in names))
    """
    with loopback_node(tmp_path, program) as running:
        running.node.start(work(tmp_path, 1, ("10.0.0.1", "10.0.0.2"), framework="jax"))
        assert ended(running) == 0
    assert (tmp_path / "output_metadata.json").read_text() == "1 2 10.0.0.1,10.0.0.2 10.0.0.1:8476"


def test_signal_reaches_the_code_and_what_it_started(tmp_path: Path) -> None:
    program = """
        import subprocess
        model = given["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"]
        child = (
            "import pathlib, signal, sys, time\\n"
            "def end(*_): pathlib.Path(sys.argv[1]).write_text('told'); sys.exit(0)\\n"
            "signal.signal(signal.SIGTERM, end); pathlib.Path(sys.argv[1]).write_text('there'); time.sleep(60)"
        )
        subprocess.run([sys.executable, "-c", child, model])
    """
    with loopback_node(tmp_path, program) as running:
        running.node.start(work(tmp_path))
        wait_for_file(tmp_path / "model", "there")
        running.node.on_signal(signal.SIGTERM)
        assert ended(running) == 143
    wait_for_file(tmp_path / "model", "told")


def test_signal_ends_a_node_that_waits(tmp_path: Path) -> None:
    with loopback_node(tmp_path) as running:
        running.node.on_signal(signal.SIGTERM)
        assert ended(running) == 143


def test_node_whose_outputs_are_not_fetched_ends_at_a_signal(tmp_path: Path) -> None:
    with loopback_node(tmp_path) as running:
        running.node.start(work(tmp_path))
        running.node.wait(60)
        running.node.on_signal(signal.SIGTERM)
        assert ended(running) == 143


def test_step_that_is_gone_is_not_waited_for(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with loopback_node(tmp_path, timeout=0.2) as running:
        assert ended(running) == 1
    assert "sent no work" in capfd.readouterr().err
    with loopback_node(tmp_path / "second", timeout=3) as running:
        running.node.start(work(tmp_path))
        assert ended(running) == 1
    assert "did not fetch the outputs" in capfd.readouterr().err


def test_step_that_is_heard_of_is_waited_for(tmp_path: Path) -> None:
    with loopback_node(tmp_path, timeout=2) as running:
        for _ in range(12):
            running.node.record_contact()
            time.sleep(0.2)
        assert not running.ended.done()


def test_same_work_again_changes_nothing(tmp_path: Path) -> None:
    program = "file = open(given['outputs']['outputFile'], 'a'); file.write('.'); file.close(); time.sleep(1)"
    with loopback_node(tmp_path, program) as running:
        running.node.start(work(tmp_path))
        wait_for_file(tmp_path / "output_metadata.json", ".")
        running.node.start(work(tmp_path))
        running.node.wait(60)
        running.node.start(work(tmp_path, 0, ("10.0.0.1", "10.0.0.2")))  # too late
        running.node.release()
        assert ended(running) == 0
    assert (tmp_path / "output_metadata.json").read_text() == "."


def test_restarts_with_other_peers_and_leaves_nothing_running(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = """
        import subprocess
        place = pathlib.Path(given["outputs"]["outputFile"])
        if "," not in os.environ["FAIRING_PEERS"]:
            deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
            child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
            child.stdout.readline()
            place.write_text(f"{child.pid} ")
            time.sleep(60)
        with place.open("a") as file:
            file.write(os.environ["FAIRING_PEERS"])
    """
    with loopback_node(tmp_path, program) as running:
        running.node.start(work(tmp_path))
        wait_for_file(tmp_path / "output_metadata.json", " ")
        running.node.start(work(tmp_path, 0, ("10.0.0.1", "10.0.0.2")))
        assert running.node.wait(60)["code"] == 0
        running.node.release()
        assert ended(running) == 0
    pid, peers = (tmp_path / "output_metadata.json").read_text().split()
    assert peers == "10.0.0.1,10.0.0.2"
    status = Path(f"/proc/{pid}/status")
    assert not status.exists() or "zombie" in status.read_text()
    assert "restarting the code" in capfd.readouterr().out


def test_has_a_key_with_its_step_alone(tmp_path: Path) -> None:
    def key(running: Loopback, token: str) -> bytes:
        return handshake.shared_key(handshake.secret_of(token), running.node.public)

    with loopback_node(tmp_path) as running:
        assert running.node.key() == key(running, TOKEN)
        assert running.node.key() != key(running, running.verifier.read_text())  # what others may read is of no use
        running.know("another")
        assert running.node.key() == key(running, "another")
        for nonsense in ("", "1", "0", "ü", "xyz", "f" * 600):
            running.verifier.write_text(nonsense)
            assert running.node.key() == b""
        running.verifier.unlink()
        assert running.node.key() == b""


def test_running_is_told_while_the_code_runs(tmp_path: Path) -> None:
    with loopback_node(tmp_path, "time.sleep(60)") as running:
        running.node.start(work(tmp_path))
        wait_for(running.node, RUNNING)
        assert running.node.wait(0.1) == {"phase": RUNNING, "code": None, "peers": ["127.0.0.1"]}
        running.node.on_signal(signal.SIGTERM)
        assert ended(running) == 143
