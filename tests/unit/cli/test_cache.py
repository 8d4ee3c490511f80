"""`fairing-kfp cache`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fairing_kfp.cache.prune import entries
from fairing_kfp.cache.store import Cache
from fairing_kfp.cli import main
from tests.support.caches import kinds


@pytest.fixture
def call(filled: Cache, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("FAIRING_KFP_CACHE", str(filled.root))

    def called(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["cache", *arguments], catch_exceptions=False)
        return result.exit_code, result.output

    return called


def test_list(call: Any, filled: Cache) -> None:
    code, output = call("list")
    assert code == 0
    rows = {line.split()[0]: line.split() for line in output.splitlines()[2:]}
    assert rows["blobs"] == ["blobs", "1", "1.0", "kB", "3", "d", "ago"]
    assert rows["trees"] == ["trees", "1", "2.0", "kB", "1", "d", "ago"]
    assert "trees/one" in call("list", "--entries")[1]
    listed = json.loads(call("list", "--json")[1])
    assert [Path(one["path"]) for one in listed] == [one.path for one in entries(filled.root)]


def test_prune(call: Any, filled: Cache) -> None:
    assert call("prune", "--older-than", "60h", "-n")[1].startswith("would remove ")
    code, output = call("prune", "--older-than", "60h")
    assert (code, output.startswith("removed ")) == (0, True)
    assert "blobs" not in kinds(entries(filled.root))
    assert "trees" in kinds(entries(filled.root))
    assert call("prune", "--max-size", "1kB", "-q") == (0, "")
    assert "trees" not in kinds(entries(filled.root))
    call("prune", "--all")
    assert entries(filled.root) == []
    assert call("list")[1].strip().endswith("0 entries, 0 B\n  kind  entries  size  last used")


@pytest.mark.parametrize("options", [[], ["--older-than", "old"], ["--max-size", "big"]])
def test_misuse(call: Any, filled: Cache, options: list[str]) -> None:
    before = entries(filled.root)
    assert call("prune", *options)[0] == 2
    assert entries(filled.root) == before
