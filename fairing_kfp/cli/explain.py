"""`fairing-kfp explain`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli.json_output import print_json
from fairing_kfp.cli.loading import loaded
from fairing_kfp.cli.options import as_json, image_options, targets
from fairing_kfp.display import TransferProgress
from fairing_kfp.display.size import format_size
from fairing_kfp.display.terminal import console, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.image.image import AnyImage, Image
    from fairing_kfp.image.layer import Layer
    from fairing_kfp.pipeline.explain import Explained
    from fairing_kfp.preprocess.secrets.finding import Finding


@click.command()
@targets
@as_json
@image_options
def command(targets: tuple[str, ...], as_json: bool, **settings: Any) -> None:
    """Show a pipeline's images and what compile would push.

    Nothing is pushed.

    \b
    Example: fairing-kfp explain pipeline.py --registry registry.example.com/me
    """
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.pipeline.explain import explain

    found = {}
    with TransferProgress(console(stderr=True), waiting=f"loading {targets[0]}") as progress:
        cache = Cache(on_miss=progress.status)
        for target, pipeline, folder in loaded(targets, progress):
            found[target] = explain(pipeline, cache=cache, start=folder, **settings)
    if as_json:
        print_json([{"target": target, **as_dict(item)} for target, explained in found.items() for item in explained])
        return
    screen = console()
    for target, explained in found.items():
        if len(found) > 1:
            screen.print(f"[bold]{escape(target)}[/]\n")
        for item in explained:
            _show(item, screen)
        for finding in explained[0].allowed_in_pipeline if explained else ():
            screen.print(f"[yellow]allowed:[/] {escape(str(finding))}, by {escape(finding.allowed)}")


def as_dict(item: Explained) -> dict[str, Any]:
    """An explained component as JSON values."""
    recipe = item.recipe
    first, bundle = recipe.image.images[0], recipe.bundle
    return {
        "name": recipe.name,
        "base": str(first.base),
        "platforms": [str(image.platform) for image in recipe.image.images],
        "python": _python(first),
        "files": [{"path": file.path, "bytes": len(file.data)} for file in (*bundle.placed, *bundle.files)],
        "byte_code": [{"path": file.path, "bytes": len(file.data)} for file in bundle.compiled],
        "captures": [asdict(capture) for capture in bundle.captures],
        "warnings": list(bundle.warnings),
        "allowed_secrets": [_as_allowed(finding) for finding in (*item.allowed, *item.allowed_in_pipeline)],
        "requirements": list(recipe.packages),
        "layers": [
            {
                "name": layer.name,
                "digest": layer.digest,
                "diff_id": layer.diff_id,
                "bytes": layer.size,
                "holds": list(recipe.packages_by_layer.get(layer.digest, ())),
                "platforms": platforms,
            }
            for layer, platforms in _layers(recipe.image)
        ],
        "plan": asdict(item.plan) if item.plan else None,
    }


def _python(image: Image) -> str:
    return ".".join(map(str, image.python_version or ()))


def _as_allowed(finding: Finding) -> dict[str, Any]:
    """What looks like a credential and is allowed, without the value."""
    return {
        "where": finding.where,
        "line": finding.line,
        "name": finding.name,
        "fingerprint": finding.fingerprint,
        "by": finding.allowed,
    }


def _layers(image: AnyImage) -> list[tuple[Layer, list[str]]]:
    """The distinct layers of an image, each with its platforms."""
    found: dict[str, tuple[Layer, list[str]]] = {}
    for one in image.images:
        for layer in one.layers:
            found.setdefault(layer.digest, (layer, []))[1].append(str(one.platform))
    return list(found.values())


def _rows(item: Explained) -> list[tuple[str, str, str, str, str]]:
    if item.plan:
        planned = item.plan.layers
        return [(one.name, one.digest[:19], format_size(one.size), one.state, one.platform) for one in planned]
    images = item.recipe.image.images
    return [
        (
            layer.name,
            layer.digest[:19],
            format_size(layer.size),
            "",
            ", ".join(platforms) * (len(platforms) < len(images)),
        )
        for layer, platforms in _layers(item.recipe.image)
    ]


def _show(item: Explained, screen: Console) -> None:
    recipe, plan = item.recipe, item.plan
    first, *others = recipe.image.images
    platforms = f", for {', '.join(str(one.platform) for one in (first, *others))}" if others else ""
    screen.print(f"[bold]{recipe.name}[/]  on {plan.base if plan else first.base}{platforms}")
    if plan:
        target = "exists: nothing would be pushed" if plan.exists else f"would push {format_size(plan.bytes_to_send)}"
        screen.print(f"  → {plan.reference}  (tag {plan.tag}; {target}, {plan.requests} requests)")
    print_table([("layer", "digest", "size", "state", "only for" if others else ""), *_rows(item)], screen, "    ")
    for file in (*recipe.bundle.placed, *recipe.bundle.files):
        screen.print(f"    [dim]{format_size(len(file.data)):>9}[/]  /{file.path}")
    if compiled := recipe.bundle.compiled:
        size = format_size(sum(len(file.data) for file in compiled))
        screen.print(f"    [dim]{size:>9}[/]  byte code for Python {_python(first)} (files: {len(compiled)})")
    for digest, pins in recipe.packages_by_layer.items():
        for pin in pins:
            screen.print(f"    [dim]  package[/]  {escape(pin)}  [dim]{digest[:19]}[/]")
    for capture in recipe.bundle.captures:
        what = f"{capture.owner} captures {capture.name}: {capture.type}, {format_size(capture.size)}"
        screen.print(f"    [dim]  capture[/]  {escape(what)}")
    for finding in item.allowed:
        screen.print(f"    [yellow]allowed:[/] {escape(str(finding))}, by {escape(finding.allowed)}")
    for warning in recipe.bundle.warnings:
        screen.print(f"    [yellow]warning:[/] {escape(warning)}")
    screen.print()
