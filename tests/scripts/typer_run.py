"""A function that typer runs."""

import json
from typing import List, Optional

import typer


def main(
    scans: str,
    depth: int = 8,
    rate: float = typer.Option(0.5, "--rate", "-r", help="how far each step goes"),
    names: List[str] = typer.Option([], "--name"),
    force: bool = False,
    limit: Optional[float] = None,
    kind: str = typer.Option(..., help="what is learned"),
):
    print(
        json.dumps(
            {"scans": scans, "depth": depth, "rate": rate, "names": names, "force": force, "limit": limit, "kind": kind}
        )
    )


if __name__ == "__main__":
    typer.run(main)
