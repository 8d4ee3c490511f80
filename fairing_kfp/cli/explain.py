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

    from fairing_kfp.image.layer import Layer
    from fairing_kfp.image.multi_image import Recipe
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
    first, bundle = prepared.image.images[0], prepared.bundle
    return {
        "name": prepared.name,
        "base": str(first.base),
        "platforms": [str(image.platform) for image in prepared.image.images],
        "python": ".".join(map(str, first.python_version)),
        "files": [
            {"path": file.path, "bytes": len(file.data)} for file in (*prepared.bundle.placed, *prepared.bundle.files)
        ],
        "captures": [asdict(capture) for capture in bundle.captures],
        "warnings": list(bundle.warnings),
        "requirements": list(prepared.requirements),
        "layers": [
            {
                "name": layer.name,
                "digest": layer.digest,
                "diff_id": layer.diff_id,
                "bytes": layer.size,
                "holds": list(prepared.holds.get(layer.digest, ())),
                "platforms": platforms,
            }
            for layer, platforms in _layers(prepared.image)
        ],
        "plan": asdict(item.plan) if item.plan else None,
    }


def _layers(image: Recipe) -> list[tuple[Layer, list[str]]]:
    """The layers of an image, each once, and the platforms that they are for."""
    found: dict[str, tuple[Layer, list[str]]] = {}
    for one in image.images:
        for layer in one.layers:
            found.setdefault(layer.digest, (layer, []))[1].append(str(one.platform))
    return list(found.values())


def _rows(item: Explained) -> list[tuple[str, str, str, str, str]]:
    if item.plan:
        planned = item.plan.layers
        return [(one.name, one.digest[:19], size(one.size), one.state, one.platform) for one in planned]
    images = item.prepared.image.images
    return [
        (layer.name, layer.digest[:19], size(layer.size), "", ", ".join(platforms) * (len(platforms) < len(images)))
        for layer, platforms in _layers(item.prepared.image)
    ]


def _show(item: Explained, screen: Console) -> None:
    prepared, plan = item.prepared, item.plan
    first, *others = prepared.image.images
    platforms = f", for {', '.join(str(one.platform) for one in (first, *others))}" if others else ""
    screen.print(f"[bold]{prepared.name}[/]  upon {plan.base if plan else first.base}{platforms}")
    if plan:
        target = "is there already: nothing would be sent" if plan.exists else f"would send {size(plan.bytes_to_send)}"
        screen.print(f"  → {plan.reference}  (tag {plan.tag}; {target}, {plan.requests} requests)")
    show_columns([("layer", "digest", "size", "state", "only for" if others else ""), *_rows(item)], screen, "    ")
    for file in (*prepared.bundle.placed, *prepared.bundle.files):
        screen.print(f"    [dim]{size(len(file.data)):>9}[/]  /{file.path}")
    for digest, pins in prepared.holds.items():
        for pin in pins:
            screen.print(f"    [dim]  package[/]  {escape(pin)}  [dim]{digest[:19]}[/]")
    for capture in prepared.bundle.captures:
        what = f"{capture.owner} captures {capture.name}: {capture.type}, {size(capture.size)}"
        screen.print(f"    [dim]  capture[/]  {escape(what)}")
    for warning in prepared.bundle.warnings:
        screen.print(f"    [yellow]warning:[/] {escape(warning)}")
    screen.print()
