"""The command `fairing-kfp`."""

from __future__ import annotations

import sys

import click

from fairing_kfp.errors import FairingError


class _Commands(click.Group):
    """Commands that are imported when they are run, and errors that end them with a remedy and no traceback."""

    _places = ("cache", "compile", "components", "explain", "lock", "rollback", "run", "serve")

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self._places)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self._places:
            return None
        from importlib import import_module

        command: click.Command = import_module(f"fairing_kfp.cli.{name}").command
        return command

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except FairingError as error:
            from fairing_kfp.display import show_error

            show_error(error)
            sys.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fairing-kfp")
def main() -> None:
    """Ordinary Python onto Kubeflow Pipelines.

    FILE is a Python file with a @dsl.pipeline in it; FILE:NAME names one of several.
    """
