"""What `fairing-kfp doctor` prints; tests/integration/test_doctor.py has its checks."""

from __future__ import annotations

import io

from rich.console import Console

from fairing_kfp.cli.doctor import _print
from fairing_kfp.doctor.check import Finding

_DETAIL, _REMEDY = "the registry registry.example.com does not speak TLS", "to use plain HTTP, pass --insecure HOST"
_FINDING = Finding("registry", "failed", _DETAIL, _REMEDY)


def _printed(**options: object) -> list[str]:
    out = io.StringIO()
    _print(_FINDING, Console(file=out, no_color=True, soft_wrap=True, **options))  # type: ignore[arg-type]
    return out.getvalue().splitlines()


def test_lines_end_between_words_in_a_narrow_terminal() -> None:
    assert _printed(width=60, force_terminal=True) == [
        "✘ registry            the registry registry.example.com does",
        "                      not speak TLS",
        "                      → to use plain HTTP, pass --insecure",
        "                        HOST",
    ]


def test_lines_of_a_pipe_stay_whole() -> None:
    assert len(_printed(width=60)) == 2
