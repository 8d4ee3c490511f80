"""`fairing-kfp verify`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from fairing_kfp.cli.exit_codes import FAILED, UNAVAILABLE
from fairing_kfp.cli.options import ca
from fairing_kfp.display.terminal import console

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.attestation.attached import AttestedImage
    from fairing_kfp.attestation.verify import Check

_MARKS = {"ok": "[green]✔[/]", "failed": "[red]✘[/]", "absent": "[dim]\N{EN DASH}[/]", "unread": "[yellow]?[/]"}
_WIDTH = 10


@click.command()
@click.argument("image", metavar="IMAGE")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.option(
    "--lock",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Compare packages and base image with a fairing.lock",
)
@click.option("--unsigned", is_flag=True, help="Print only what to sign, if all agree")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Save SBOM and provenance there")
@click.option("--insecure", metavar="HOST", multiple=True, help="Registry to reach over plain HTTP (repeatable)")
@ca
@click.option("--client-cert", metavar="FILE", help="Client certificate and key (PEM)")
def command(
    image: str,
    as_json: bool,
    lock: Path | None,
    unsigned: bool,
    output: Path | None,
    insecure: tuple[str, ...],
    ca: str | None,
    client_cert: str | None,
) -> None:
    """Check an image's SBOM and provenance.

    Reads what compile --attest attached: the image has to be its base image
    and the layers in its SBOM, and both documents have to be about this image
    and the same packages. Says what is not signed; cosign verifies signatures.

    \b
    Exit codes:
      0  all agree; signatures and the source may be absent
      1  something disagrees, or a document is missing
      3  the image or its base cannot be read

    \b
    Example: fairing-kfp verify registry.example.com/me/digits:train-0123456789ab
    """
    from rich.console import Console

    from fairing_kfp.attestation.attached import read_attested
    from fairing_kfp.attestation.lock_check import check_lock
    from fairing_kfp.attestation.verify import verify
    from fairing_kfp.image.reference import Reference
    from fairing_kfp.registry.client import RegistryClient
    from fairing_kfp.registry.tls import Tls
    from fairing_kfp.settings import Settings

    settings = Settings.load(insecure=insecure, ca=ca, client_cert=client_cert)
    client = RegistryClient(settings.insecure, tls=Tls(settings.ca, settings.client_cert))
    try:
        read = read_attested(Reference.parse(image), client)
        checks = list(verify(read, client))
        if lock is not None:
            checks.append(check_lock(read, lock))
    finally:
        client.close()
    if output is not None:
        _save(read, output)
    states = {check.state for check in checks}
    wrong = bool(states & {"failed", "unread"})
    if as_json:
        click.echo(json.dumps(_as_dict(read, checks), indent=2, ensure_ascii=False))
    elif unsigned and not wrong:
        click.echo("".join(f"{reference}\n" for reference in read.unsigned), nl=False)
    else:
        # A command that contains this one with --unsigned signs nothing that is wrong.
        _print(checks, Console(stderr=True, highlight=False, soft_wrap=True) if unsigned else console())
    if wrong:
        sys.exit(FAILED if "failed" in states else UNAVAILABLE)


def _as_dict(read: AttestedImage, checks: list[Check]) -> dict[str, object]:
    return {
        "image": str(read.reference),
        "checks": [asdict(check) for check in checks],
        "unsigned": list(map(str, read.unsigned)),
    }


def _print(checks: list[Check], screen: Console) -> None:
    for check in checks:
        screen.print(f"{_MARKS[check.state]} {check.name.ljust(_WIDTH)}  {escape(check.detail)}")
        if check.remedy:
            screen.print(f"{' ' * (_WIDTH + 4)}→ {escape(check.remedy)}")


def _save(read: AttestedImage, folder: Path) -> None:
    """Writes the documents; of several of a kind, the last is written."""
    from fairing_kfp.errors import ConfigError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, documents in (("sbom.cdx.json", read.sboms), ("provenance.intoto.json", read.provenances)):
            for one in documents:
                (folder / name).write_bytes(one.data)
    except OSError as error:
        raise ConfigError(f"cannot write into {folder}: {error.strerror}", "name another folder with -o") from error
