from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fairing_kfp.cache.leases import acquire, leased, locked

_PROGRAM = """
import sys
from pathlib import Path
from fairing_kfp.cache.leases import acquire
acquire(Path(sys.argv[1]), "trees/theirs")
print(flush=True)
sys.stdin.read()
"""


def test_leases_end_with_their_process(tmp_path: Path) -> None:
    acquire(tmp_path, "trees/ours")
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert leased(tmp_path) == {"trees/ours", "trees/theirs"}
        assert leased(tmp_path, by_others=True) == {"trees/theirs"}
        process.kill()
    assert leased(tmp_path) == {"trees/ours"}
    assert len(list((tmp_path / "in-use").iterdir())) == 1


def test_a_read_only_cache_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    acquire(tmp_path / "file", "trees/one")
    with locked(tmp_path / "file", exclusive=True):
        assert leased(tmp_path / "file") == set()
