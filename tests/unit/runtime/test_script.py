"""Scripts as steps: how they are started, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fairing_kfp import fairing_component
from fairing_kfp.cache.store import Cache
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.local.root import bare_python, root_digest, unpack_root
from fairing_kfp.preprocess.source import components
from fairing_kfp.recipe.runtime_layer import runtime_files


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("scripts"))


@pytest.fixture
def start(tmp_path: Path, shared: Cache) -> Callable[..., subprocess.Popen[str]]:
    """Packs a script, unpacks it as an image would hold it, and starts it."""

    def started(text: str, **env: str) -> subprocess.Popen[str]:
        (tmp_path / "script.py").write_text(text)
        fairing_component.from_script(str(tmp_path / "script.py"))
        source = components()[-1]
        layers = [
            layer_of_files("runtime", runtime_files()),
            layer_of_files("code", source.code.bundle("script").files),
        ]
        root = unpack_root(layers, {}, root_digest(layers, "", {}), shared)
        given = {"inputs": {}, "outputs": {"outputFile": str(tmp_path / "out" / "output.json")}}
        return subprocess.Popen(
            [str(bare_python(shared)), str(root / "runtime" / "step.py"), "--executor_input", json.dumps(given)],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return started


WAITS = """
import signal, sys, time
def stop(number, frame):
    print("stopping", signal.Signals(number).name)
    sys.exit(5)
{handle}
print("ready")
while True:
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_reaches_the_script_which_ends_in_its_own_way(
    start: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    process = start(WAITS.format(handle=f"signal.signal({int(number)}, stop)"))
    assert process.stdout
    assert process.stdout.readline() == "ready\n"  # unbuffered: it did not end yet
    process.send_signal(number)
    out, error = process.communicate(timeout=30)

    assert process.returncode == 5
    assert out == f"stopping {number.name}\n"
    assert error == "fairing-kfp: script.py ended with exit code 5\n"


def test_script_that_does_not_care_is_ended_by_the_signal(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start(WAITS.format(handle=""))
    assert process.stdout
    process.stdout.readline()
    process.terminate()
    _, error = process.communicate(timeout=30)

    assert process.returncode == 128 + signal.SIGTERM
    assert error == "fairing-kfp: script.py was terminated by SIGTERM (signal 15)\n"


def test_script_ends_with_a_step_that_is_killed(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start(WAITS.format(handle=""))
    assert process.stdout
    process.stdout.readline()
    process.kill()

    process.communicate(timeout=30)  # its standard output is closed, as nobody holds it any more


def test_script_sees_its_own_folder_and_leaves_no_trace(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = start(
        "import os, sys\nopen('made', 'w').write('x')\nprint(sorted(os.listdir()), len(sys.argv))\n"
        "print(os.path.isfile(os.path.join(sys.path[0], 'script.py')), __name__)\n",
        PYTHONSAFEPATH="1",
    )
    out, error = process.communicate(timeout=30)

    assert (process.returncode, out) == (0, "['made', 'script.py'] 1\nTrue __main__\n"), error
    assert not list(tmp_path.glob("work-*"))
    assert json.loads((tmp_path / "out" / "output.json").read_text()) == {}


def test_script_that_leaves_with_words_fails_the_step(start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start("import sys\nsys.exit('no scans')\n")
    _, error = process.communicate(timeout=30)

    assert process.returncode == 1
    assert error == "no scans\nfairing-kfp: script.py ended with exit code 1\n"
