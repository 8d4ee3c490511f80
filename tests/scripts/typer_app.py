"""An app of typer with one command, annotated."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


class Kind(str, enum.Enum):
    forest = "forest"
    line = "line"


@app.command()
def learn(
    scans: Annotated[Path, typer.Argument(help="where the scans are")],
    depth: Annotated[int, typer.Option("--max-depth", min=1, help="how deep")] = 8,
    kind: Kind = Kind.forest,
    cache: Annotated[bool, typer.Option("--cache/--fresh")] = True,
    seeds: Annotated[list[int] | None, typer.Option("--seed")] = None,
    wait: Annotated[bool, typer.Option()] = False,
):
    found = {
        "scans": str(scans),
        "depth": depth,
        "kind": kind.value,
        "cache": cache,
        "seeds": list(seeds or []),
        "wait": wait,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    app()
