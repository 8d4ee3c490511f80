"""`fairing-kfp undeploy`."""

from __future__ import annotations

import click

from fairing_kfp.cli.served import Progress, served_model


@click.command()
@click.argument("name")
@served_model
def command(name: str, namespace: str | None, context: str | None, target: str | None, quiet: bool) -> None:
    """Delete what serves the model NAME.

    Deletes the Deployment or InferenceService with its Service, Ingress, route
    and autoscaler, and waits until the pods have ended. Images and models stay.
    Objects that fairing-kfp did not make are never deleted.

    \b
    Example: fairing-kfp undeploy digits -n serving
    """
    from fairing_kfp.serving.undeploy import undeploy

    progress = Progress(quiet)
    deleted = undeploy(name, namespace=namespace, context=context, target=target, log=progress.log)
    progress.done(f"deleted {', '.join(deleted)}")
