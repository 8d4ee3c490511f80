"""A real server whose predictions take long, run an event loop or exit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.predictor_process import server

_BOTH = pytest.mark.parametrize("parser", ["httptools", "h11"])

_AWAITS = """
import asyncio, os, threading
async def exists(path):
    while not os.path.exists(path):
        await asyncio.sleep(0.01)
asyncio.run(exists(instances[0]))
if instances[1:]:
    raise SystemExit(instances[1])
return threading.current_thread().name
"""


@_BOTH
def test_probes_are_answered_during_a_long_prediction_after_quick_ones(parser: str, tmp_path: Path) -> None:
    late = tmp_path / "late"
    with server(parser=parser, predicts=_AWAITS) as running, ThreadPoolExecutor(1) as threads:
        for _ in range(3):
            assert [running.ask(str(tmp_path)) for _ in range(100)] == [(200, "predictor-1")] * 100
            waits = threads.submit(running.ask, str(late))
            assert [running.health() for _ in range(3)] == [200] * 3
            assert not waits.done()
            late.touch()
            assert waits.result() == (200, "predictor-1")
            late.unlink()


@_BOTH
def test_exit_in_a_prediction_is_its_error_alone(parser: str, tmp_path: Path) -> None:
    with server(parser=parser, predicts=_AWAITS) as running:
        assert [running.ask(str(tmp_path), 3)[0] for _ in range(3)] == [500] * 3
        assert running.ask(str(tmp_path))[0] == 200
        assert "predict failed: SystemExit: 3" in running.end()
