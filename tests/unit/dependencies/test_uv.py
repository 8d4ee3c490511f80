"""Running uv."""

import pytest

from fairing_kfp.dependencies import uv
from fairing_kfp.errors import DependencyError


def test_missing_uv(monkeypatch):
    def nowhere():
        raise FileNotFoundError("could not find uv in any of:\n - /somewhere")

    monkeypatch.setattr("uv.find_uv_bin", nowhere)
    with pytest.raises(DependencyError, match=r"cannot start uv: could not find uv in any of:\n.*pip install uv"):
        uv.run_pip("compile", (), "", "Python 3.12")
