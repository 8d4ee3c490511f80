"""`fairing-kfp explain`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli.options import image_options, target
from fairing_kfp.display import console, show_columns, size

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.pipeline import Explained


@click.command()
@target
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@image_options
def command(target: str, as_json: bool, **settings: Any) -> None:
    """Show what images are made of, and what compiling would send. Sends nothing."""
    from fairing_kfp.loading import folder_of, load_pipeline
    from fairing_kfp.pipeline import explain

    explained = explain(load_pipeline(target), start=folder_of(target), **settings)
    if as_json:
        click.echo(json.dumps([as_dict(item) for item in explained], indent=2))
        return
    screen = console()
    for item in explained:
        _show(item, screen)


def as_dict(item: Explained) -> dict[str, Any]:
    """What is known of a component, as JSON values."""
    prepared = item.prepared
    return {
        "name": prepared.source.name,
        "base": str(prepared.image.base),
        "platform": str(prepared.image.platform),
        "python": ".".join(map(str, prepared.image.python_version)),
        "files": [{"path": file.path, "bytes": len(file.data)} for file in prepared.bundle.files],
        "captures": [asdict(capture) for capture in prepared.bundle.captures],
        "warnings": list(prepared.bundle.warnings),
        "requirements": list(prepared.requirements),
        "layers": [
            {"name": layer.name, "digest": layer.digest, "diff_id": layer.diff_id, "bytes": layer.size}
            for layer in prepared.image.layers
        ],
        "plan": asdict(item.plan) if item.plan else None,
    }


def _show(item: Explained, screen: Console) -> None:
    prepared, plan = item.prepared, item.plan
    screen.print(f"[bold]{prepared.source.name}[/]  upon {plan.base if plan else prepared.image.base}")
    if plan:
        target = "is there already: nothing would be sent" if plan.exists else f"would send {size(plan.bytes_to_send)}"
        screen.print(f"  → {plan.reference}  (tag {plan.tag}; {target}, {plan.requests} requests)")
    layers = plan.layers if plan else prepared.image.layers
    rows = [(layer.name, layer.digest[:19], size(layer.size), getattr(layer, "state", "")) for layer in layers]
    show_columns([("layer", "digest", "size", "state"), *rows], screen, indent="    ")
    for file in prepared.bundle.files:
        screen.print(f"    [dim]{size(len(file.data)):>9}[/]  /{file.path}")
    for requirement in prepared.requirements:
        screen.print(f"    [dim]  package[/]  {escape(requirement.partition(' ')[0])}")
    for capture in prepared.bundle.captures:
        what = f"{capture.owner} captures {capture.name}: {capture.type}, {size(capture.size)}"
        screen.print(f"    [dim]  capture[/]  {escape(what)}")
    for warning in prepared.bundle.warnings:
        screen.print(f"    [yellow]warning:[/] {escape(warning)}")
    screen.print()
