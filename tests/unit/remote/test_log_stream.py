"""Logs of running steps."""

from __future__ import annotations

import pytest

from fairing_kfp.remote import log_stream
from fairing_kfp.remote.log_stream import LogStream
from fairing_kfp.remote.step import Step

RUNNING, OVER = Step("train", "running"), Step("train", "succeeded")


def test_only_complete_lines_are_given_until_the_end() -> None:
    texts = iter(["a\nb", "a\nbb\nc", "a\nbb\nc"])
    stream = LogStream(lambda _: next(texts))

    assert [stream.new_lines(one) for one in (RUNNING, RUNNING, OVER)] == [["a"], ["bb"], ["c"]]


def test_another_attempt_starts_from_its_first_line() -> None:
    texts = iter(["a\nb\n", "c\n"])
    stream = LogStream(lambda _: next(texts))

    assert [stream.new_lines(RUNNING), stream.new_lines(RUNNING)] == [["a", "b"], ["c"]]


def test_a_log_that_cannot_be_read_is_asked_for_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    now, reads = [0.0], []
    monkeypatch.setattr(log_stream.time, "monotonic", lambda: now[0])
    stream = LogStream(lambda step: reads.append(step) or "")  # type: ignore[func-returns-value]
    for second in range(120):
        now[0] = second
        stream.new_lines(RUNNING)

    assert 5 <= len(reads) <= 8
    stream.new_lines(OVER)
    assert reads[-1] is OVER


def test_a_long_log_is_not_read_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_stream, "_LONGEST", 3)
    reads: list[Step] = []
    stream = LogStream(lambda step: reads.append(step) or "a\nb\n")  # type: ignore[func-returns-value]

    assert stream.new_lines(RUNNING)[:2] == ["a", "b"]
    assert stream.new_lines(RUNNING) == stream.new_lines(OVER) == []
    assert len(reads) == 1


def test_few_logs_are_read_at_a_time() -> None:
    stream = LogStream(lambda step: f"{step.name}\n")
    steps = [Step(f"train-{number}", "running") for number in range(20)]

    assert sum(bool(stream.new_lines(step)) for step in steps) == 8
    stream.new_lines(Step("train-0", "failed"))
    assert stream.new_lines(steps[19]) == ["train-19"]
