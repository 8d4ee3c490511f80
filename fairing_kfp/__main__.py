"""`python -m fairing_kfp`: the command, where no script of it is on PATH."""

from __future__ import annotations

from fairing_kfp.cli import main

main()
