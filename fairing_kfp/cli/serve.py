"""`fairing-kfp serve`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli.options import quiet
from fairing_kfp.display import console

if TYPE_CHECKING:
    from fairing_kfp.serving.here import Running
    from fairing_kfp.serving.predictor import Predictor

_EXAMPLES = {
    "dict": {"key": "value"},
    "dataframe": {"instances": [{"column": 1.0}]},
    "bytes": {"instances": [{"b64": "AAEC"}]},
    "list[bytes]": {"instances": [{"b64": "AAEC"}]},
}


@click.command()
@click.argument("target", metavar="FILE[:CLASS]")
@click.option("--model", type=click.Path(path_type=Path), metavar="PATH", help="The file or folder that load is given.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Of 127.0.0.1; 0: any.")
@click.option("--request", metavar="JSON", help="Send this body (V1) once, or that of a file: @FILE; then end.")
@quiet
def command(target: str, model: Path | None, port: int, request: str | None, quiet: bool) -> None:
    """Serve a predictor here, from the layers that its image has, until Ctrl-C.

    FILE is a Python file with a class that is decorated by @fairing_component; FILE:CLASS names one of several.
    """
    from fairing_kfp.loading import folder_of, load_predictor
    from fairing_kfp.serving.here import running, unpacked

    body = None if request is None else _body(request)
    screen = console(quiet)
    predictor = load_predictor(target)
    started = unpacked(predictor, start=folder_of(target))
    for warning in started.warnings:
        screen.print(f"[yellow]warning:[/] {escape(warning)}")

    def show(line: str) -> None:
        screen.print(f"  [dim]{predictor.name} │[/] {escape(line)}")

    with running(started.launch, model, port=port, show=show) as server:
        if body is not None:
            click.echo(json.dumps(_answer(server, body)))
            return
        screen.print(f"[green]✔[/] {predictor.name} answers at [bold]{server.endpoint.url}[/] (Ctrl-C ends it)")
        screen.print(f"  {escape(_curl(predictor, server))}")
        try:
            server.process.wait()
        except KeyboardInterrupt:
            screen.print("ending")


def _body(text: str) -> Any:
    try:
        return json.loads(Path(text[1:]).read_bytes() if text.startswith("@") else text)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"it is not JSON: {error}", param_hint="--request") from None


def _answer(server: Running, body: Any) -> Any:
    from fairing_kfp.serving.server import answers

    endpoint = server.endpoint
    return json.loads(endpoint.raw(f"/v1/models/{endpoint.model}:predict", answers.dumps(body)))


def _curl(predictor: Predictor[Any, Any], server: Running) -> str:
    example = _EXAMPLES.get(predictor.takes.get("predict", ""), {"instances": [[1.0, 2.0]]})
    url = f"{server.endpoint.url}/v1/models/{predictor.name}:predict"
    return f"curl -d {shlex.quote(json.dumps(example))} {url}"
