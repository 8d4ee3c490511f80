"""`fairing-kfp compile`."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairing_kfp.cli.json_output import print_json
from fairing_kfp.cli.loading import loaded
from fairing_kfp.cli.options import as_json, push_options, quiet, targets
from fairing_kfp.display import TransferProgress
from fairing_kfp.display.plain import Screen, escape
from fairing_kfp.display.plain import screen as screen_of

if TYPE_CHECKING:
    from fairing_kfp.pipeline.compile import Compiled

_STDOUT = Path("-")


@click.command()
@targets
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="YAML|DIR|-",
    help="File or folder to write (default: FILE.yaml)",
)
@as_json
@push_options
@quiet
def command(targets: tuple[str, ...], output: Path | None, as_json: bool, quiet: bool, **settings: Any) -> None:
    """Push a pipeline's images and write its YAML.

    The YAML refers to images by digest. Upload it to Kubeflow Pipelines as is.
    With -o - it is printed, and progress goes to standard error. Several FILEs
    are all checked before the first image is pushed. With --builder dry-run
    nothing is sent, and no YAML is written.

    \b
    Example: fairing-kfp compile pipeline.py --registry registry.example.com/me
    """
    from fairing_kfp.recipe.runtime_layer import make_runtime_layer_ahead

    start, screen = time.monotonic(), screen_of(quiet, stderr=as_json or output == _STDOUT)
    if as_json and output == _STDOUT:
        raise click.UsageError("--json and -o - both print on standard output: use one of them")
    paths = _paths(targets, output)
    make_runtime_layer_ahead()  # while Python imports kfp
    from fairing_kfp.pipeline.compile import Compilation

    with (
        TransferProgress(screen, waiting=f"loading {targets[0]}") as progress,
        contextlib.ExitStack() as stack,
    ):
        compilations = []
        for _, pipeline, folder in loaded(targets, progress):
            found = Compilation.prepare(pipeline, progress=progress, start=folder, **settings)
            compilations.append(stack.enter_context(found))
        progress.wait_for("checking base images")
        for one, path in zip(compilations, paths, strict=True):
            one.check(path)
        names = [one.traced.name for one in compilations]
        compiled = [one.publish(path) for one, path in zip(compilations, paths, strict=True)]
    if as_json:
        made = zip(targets, names, compiled, paths, strict=True)
        print_json({"pipelines": [_as_dict(*one) for one in made]})
    for done, path in zip(compiled, paths, strict=True):
        _show(done, path, screen)
    if output == _STDOUT and not compiled[0].planned:
        click.echo(compiled[0].text, nl=False)
    elif not all(one.planned for one in compiled):
        written = ", ".join(str(path) for one, path in zip(compiled, paths, strict=True) if not one.planned)
        screen.print(f"[green]✔[/] {escape(written)} in {time.monotonic() - start:.2f} s")


def _paths(targets: tuple[str, ...], output: Path | None) -> list[Path | None]:
    """The YAML file of each pipeline; None for standard output.

    Raises:
        click.UsageError: several pipelines would be written to one file.
    """
    from fairing_kfp.component.load import yaml_of

    if output == _STDOUT and len(targets) == 1:
        return [None]
    found = [yaml_of(target) for target in targets]
    if output is not None and len(targets) > 1 and (output == _STDOUT or output.suffix or output.is_file()):
        raise click.UsageError(f"{output} is not a folder, for the YAML of {len(targets)} pipelines: use -o FOLDER")
    if output is not None:
        found = [output / path.name for path in found] if len(targets) > 1 or output.is_dir() else [output]
    for number, path in enumerate(found):
        if path in found[:number]:
            first = targets[found.index(path)]
            raise click.UsageError(f"{first} and {targets[number]} would both be written to {path}: use -o for each")
    return [*found]


def _as_dict(target: str, name: str, compiled: Compiled, path: Path | None) -> dict[str, Any]:
    return {
        "target": target,
        "name": name,
        "yaml": None if compiled.planned else str(path),
        "images": [
            {"component": component, "image": image, "planned": component in compiled.planned}
            for component, image in compiled.images.items()
        ],
        "lock": str(compiled.lock) if compiled.lock else None,
        "attested": list(compiled.attested),
        "warnings": list(compiled.warnings),
    }


def _show(compiled: Compiled, path: Path | None, screen: Screen) -> None:
    for warning in compiled.warnings:
        screen.print(f"[yellow]warning:[/] {escape(warning)}")
    if compiled.lock is not None:
        screen.print(f"[green]✔[/] {escape(str(compiled.lock))}: new versions are locked; check the file in")
    for name, image in compiled.images.items():
        planned = name in compiled.planned
        screen.print(f"{'[yellow]○[/]' if planned else '[green]✔[/]'} {name} → {image}{' (planned)' * planned}")
    if compiled.attested:
        screen.print(f"[green]✔[/] SBOM and provenance attached to {', '.join(compiled.attested)}")
    if compiled.planned:
        sent = (
            "nothing was sent" if len(compiled.planned) == len(compiled.images) else "the planned images were not sent"
        )
        yaml = "the YAML" if path is None else escape(str(path))
        screen.print(f"[yellow]dry run:[/] {sent}, and {yaml} was not written, since it could not run")
