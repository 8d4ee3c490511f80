"""Secrets of local runs."""

from types import SimpleNamespace
from typing import Any

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.local.secrets import check_secrets


def test_secrets_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    source: Any = SimpleNamespace(name="train", secrets={"TOKEN": SimpleNamespace(secret="login")})
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(ConfigError, match=r"the step train needs TOKEN.*from the Secret 'login'"):
        check_secrets([source])
    monkeypatch.setenv("TOKEN", "x")
    check_secrets([source])
