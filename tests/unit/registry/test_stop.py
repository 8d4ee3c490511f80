"""Cancellation of transfers."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fairing_kfp.errors import StoppedError
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from fairing_kfp.registry.stop import stop_all
from tests.support.scripted_registry import UPLOAD, Answer, Request, Server, put


class TestStop:
    @pytest.mark.parametrize("where", ["answer", "pause"])
    def test_waiting_threads_are_woken(
        self, server: Server, client: RegistryClient, repository: Repository, where: str
    ) -> None:
        asked, over = threading.Event(), threading.Event()

        def rule(request: Request) -> Answer:
            asked.set()
            if where == "answer":
                over.wait(60)
            return Answer(429, headers={"Retry-After": "50"})

        server.rule = rule
        with ThreadPoolExecutor(4) as threads:
            waiting = [threads.submit(repository.manifest, "1") for _ in range(4)]
            assert asked.wait(60)
            time.sleep(0.1)
            began = time.monotonic()
            stop_all()
            for one in waiting:
                with pytest.raises(StoppedError):
                    one.result(60)
            assert time.monotonic() - began < 30
        over.set()
        with pytest.raises(StoppedError):
            repository.manifest("1")

    def test_other_clients_continue(self, server: Server, repository: Repository) -> None:
        RegistryClient().stop()
        server.answers = [Answer(202, headers={"Location": f"{UPLOAD}1"}), Answer(201)]
        assert put(repository) == "sent"
