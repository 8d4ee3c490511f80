"""`fairing-kfp promote`."""

from __future__ import annotations

import click

from fairing_kfp.cli.served import Progress, served_model


@click.command()
@click.argument("name")
@served_model
def command(name: str, namespace: str | None, context: str | None, target: str | None, quiet: bool) -> None:
    """Promote the canary of the served model NAME.

    Gives all requests to the canary, and waits until it serves them; if it does
    not become ready, it stays a canary. Without a canary, nothing is changed.

    \b
    Example: fairing-kfp promote digits -n serving
    """
    from fairing_kfp.serving.promote import promote

    progress = Progress(quiet)
    served = promote(name, namespace=namespace, context=context, target=target, log=progress.log)
    progress.done(f"{name} serves {served}")
