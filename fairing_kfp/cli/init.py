"""`fairing-kfp init`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from fairing_kfp.cli.options import quiet
from fairing_kfp.display.terminal import console


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@quiet
def command(folder: Path, quiet: bool) -> None:
    """Write a project with a pipeline that runs at once.

    Writes pipeline.py, pyproject.toml, test_pipeline.py and a CI workflow into
    FOLDER, by default the current one. Existing files are never overwritten.

    \b
    Example: fairing-kfp init forecast
    """
    from fairing_kfp.atomic_file import write_atomic
    from fairing_kfp.cli.project_files import project_files
    from fairing_kfp.errors import ConfigError

    files = {folder / path: text for path, text in project_files(folder.resolve().name).items()}
    existing = [str(path) for path in files if path.exists() or path.is_symlink()]
    if existing:
        raise ConfigError(
            f"nothing is written, because {', '.join(existing)} {'exist' if len(existing) > 1 else 'exists'}",
            "name an empty or new folder: fairing-kfp init FOLDER",
        )
    screen = console(quiet)
    for path, text in files.items():
        write_atomic(path, text)
        screen.print(f"[green]✔[/] {escape(str(path))}")
    screen.print(f"to run it: fairing-kfp run {escape(str(folder / 'pipeline.py'))}")
