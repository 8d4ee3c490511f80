"""`fairing-kfp rollback`."""

from __future__ import annotations

import time

import click
from rich.markup import escape

from fairing_kfp.cli.options import quiet
from fairing_kfp.display import console


@click.command()
@click.argument("name")
@click.argument("image")
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Where it serves; that of the context by default.")
@click.option("--context", metavar="CONTEXT", help="A context of the kubeconfig.")
@click.option("--target", type=click.Choice(["deployment", "kserve"]), help="By what, where both serve that name.")
@quiet
def command(name: str, image: str, namespace: str | None, context: str | None, target: str | None, quiet: bool) -> None:
    """Bring what serves as NAME to another IMAGE, and wait until that serves.

    IMAGE is named by its digest: NAME@sha256:…, or the digest alone. If it does not come to serve, the version before
    serves on.
    """
    import warnings

    from urllib3.exceptions import InsecureRequestWarning

    from fairing_kfp.serving.rollback import rollback

    warnings.simplefilter("ignore", InsecureRequestWarning)  # whoever wrote the kubeconfig knows
    screen = console(quiet)
    began = time.monotonic()

    def say(text: str) -> None:
        screen.print(escape(text))

    serving = rollback(name, image, namespace=namespace, context=context, target=target, say=say)
    screen.print(f"[green]✔[/] {escape(name)} serves {escape(serving)} after {time.monotonic() - began:.1f} s")
