"""`fairing-kfp serve`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli import candidates
from fairing_kfp.cli.options import quiet
from fairing_kfp.display import TransferProgress, console

if TYPE_CHECKING:
    from fairing_kfp.component.predictor import Predictor
    from fairing_kfp.local.server import Server

_EXAMPLES = {
    "dict": {"key": "value"},
    "dataframe": {"instances": [{"column": 1.0}]},
    "bytes": {"instances": [{"b64": "AAEC"}]},
    "list[bytes]": {"instances": [{"b64": "AAEC"}]},
}


@click.command()
@click.argument("target", metavar="FILE[:CLASS]", shell_complete=candidates.predictors)
@click.option("--model", type=click.Path(path_type=Path), metavar="PATH", help="Model file or directory to load")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Local port, 0 for any (default: 8080; any with --request)",
)
@click.option("--request", metavar="JSON", help="Send one request (or @FILE), print the reply")
@quiet
def command(target: str, model: Path | None, port: int | None, request: str | None, quiet: bool) -> None:
    """Serve a predictor on this machine, until Ctrl-C.

    FILE is a Python file with a class decorated with @fairing_component. If it
    has several, use FILE:CLASS. The request format is that of KServe's V1
    protocol: {"instances": [...]}.

    \b
    Example: fairing-kfp serve pipeline.py:Digits --model model.pickle
    """
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.component.load import folder_of, load_predictor
    from fairing_kfp.local.server import server_image, start_server

    body = None if request is None else _body(request)
    port = port if port is not None else 8080 if body is None else 0
    screen = console(quiet, stderr=body is not None)
    with TransferProgress(screen, waiting=f"loading {target}") as progress:
        predictor = load_predictor(target)
        image = server_image(predictor.source, Cache(on_miss=progress.status), start=folder_of(target))
    for warning in image.warnings:
        screen.print(f"[yellow]warning:[/] {escape(warning)}")

    def log_line(line: str) -> None:
        screen.print(f"  [dim]{predictor.name} │[/] {escape(line)}")

    with start_server(image.launch, model, port=port, log_line=log_line) as server:
        if body is not None:
            click.echo(json.dumps(_reply(server, body)))
            return
        screen.print(f"[green]✔[/] {predictor.name} serves at [bold]{server.endpoint.url}[/] (Ctrl-C stops it)")
        screen.print(f"  {escape(_curl(predictor, server))}")
        try:
            server.process.wait()
        except KeyboardInterrupt:
            screen.print("stopping")


def _body(text: str) -> Any:
    name = text[1:] if text.startswith("@") else ""
    try:
        return json.loads(Path(name).read_bytes() if name else text)
    except OSError as error:
        raise click.BadParameter(f"cannot read {name}: {error.strerror}", param_hint="--request") from None
    except ValueError as error:
        where = f" in {name}" if name else ""
        raise click.BadParameter(f"invalid JSON{where}: {error}", param_hint="--request") from None


def _reply(server: Server, body: Any) -> Any:
    from fairing_kfp.serving.server import answers

    endpoint = server.endpoint
    return json.loads(endpoint.raw(f"/v1/models/{endpoint.model}:predict", answers.dumps(body)))


def _curl(predictor: Predictor[Any, Any], server: Server) -> str:
    example = _EXAMPLES.get(predictor.takes.get("predict", ""), {"instances": [[1.0, 2.0]]})
    url = f"{server.endpoint.url}/v1/models/{predictor.name}:predict"
    return f"curl -d {shlex.quote(json.dumps(example))} {url}"
