"""`fairing-kfp rollback`."""

from __future__ import annotations

import click

from fairing_kfp.cli.served import Progress, served_model


@click.command()
@click.argument("name")
@click.argument("image", default="")
@served_model
def command(name: str, image: str, namespace: str | None, context: str | None, target: str | None, quiet: bool) -> None:
    """Roll back the served model NAME to an earlier IMAGE.

    IMAGE is a digest, alone or as NAME@sha256:..., or the URI of a model that
    KServe loads. Waits until it is ready; if it does not become ready, the
    current version keeps serving. Without IMAGE, a canary of KServe ends: the
    version before it gets all requests.

    \b
    Example: fairing-kfp rollback digits -n serving
    """
    from fairing_kfp.serving.rollback import rollback

    progress = Progress(quiet)
    served = rollback(name, image, namespace=namespace, context=context, target=target, log=progress.log)
    progress.done(f"{name} serves {served}")
