"""`python -m fairing_kfp`: the command line, without a script on PATH."""

from __future__ import annotations

from fairing_kfp.cli import main

main()
