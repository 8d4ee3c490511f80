"""The command line, `fairing-kfp`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import NoReturn

import click

from fairing_kfp.errors import ConfigError, FairingError


class _Commands(click.Group):
    """Imports commands on demand, and prints errors with their remedy instead of a traceback."""

    _names = (
        "cache",
        "compile",
        "completion",
        "components",
        "diff",
        "doctor",
        "explain",
        "init",
        "lock",
        "migrate",
        "model-image",
        "promote",
        "recurring",
        "replay",
        "rerun",
        "rollback",
        "run",
        "runs",
        "serve",
        "submit",
        "undeploy",
        "upload",
        "verify",
    )

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self._names)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self._names:
            return None
        from importlib import import_module

        command: click.Command = import_module(f"fairing_kfp.cli.{name.replace('-', '_')}").command
        _add_verbose(command)
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; the error for an unknown one names the most similar."""
        if args and args[0] not in self._names and not args[0].startswith("-") and not context.resilient_parsing:
            from difflib import get_close_matches

            close = get_close_matches(args[0], self._names, 1)
            context.fail(f"No such command {args[0]!r}." + (f" Did you mean {close[0]!r}?" if close else ""))
        return super().resolve_command(context, args)

    def invoke(self, context: click.Context) -> object:
        try:
            with _terminated_as_interrupted():
                return super().invoke(context)
        except FairingError as error:
            _exit(error, context)
        except ModuleNotFoundError as error:
            if sys.platform != "win32" or error.name not in _POSIX:
                raise
            name = f"fairing-kfp {context.invoked_subcommand}"
            _exit(ConfigError(f"{name} does not run on Windows itself", "run it in WSL: wsl --install"), context)
        except KeyboardInterrupt:
            from fairing_kfp.cli.exit_codes import INTERRUPTED

            click.echo("interrupted", err=True)
            sys.exit(INTERRUPTED)


def _exit(error: FairingError, context: click.Context) -> NoReturn:
    from fairing_kfp.cli.exit_codes import exit_code
    from fairing_kfp.display.terminal import print_error

    print_error(error, verbose=context.meta.get(_VERBOSE, False))
    sys.exit(exit_code(error))


_POSIX = ("fcntl", "grp", "pwd", "termios", "tty")  # modules that Windows does not have
_VERBOSE = "fairing_kfp.verbose"


def _set_verbose(context: click.Context, _: click.Parameter, value: bool) -> None:
    context.meta[_VERBOSE] = value or context.meta.get(_VERBOSE, False)  # of the command or of `fairing-kfp`


_verbose = click.Option(
    ["-v", "--verbose"],
    is_flag=True,
    expose_value=False,
    callback=_set_verbose,
    help="Show the traceback of an error",
)


def _add_verbose(command: click.Command) -> None:
    """Adds `-v` to a command and its sub-commands."""
    if isinstance(command, click.Group):
        for one in command.commands.values():
            _add_verbose(one)
    elif _verbose not in command.params:
        command.params.append(_verbose)


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Has SIGTERM end a command as Ctrl-C does, with all that it started."""
    if threading.current_thread() is not threading.main_thread():  # only that may set handlers
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@click.group(cls=_Commands, params=[_verbose], context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fairing-kfp")
def main() -> None:
    """Run ordinary Python on Kubeflow Pipelines.

    FILE is a Python file, a notebook or a module that defines a @dsl.pipeline.
    If it defines several, use FILE:NAME.

    \b
    Exit codes:
      0    success
      1    a step, a run or a version failed; of diff: the pipelines differ;
           of verify: image, SBOM and provenance disagree
      2    the command line, a setting or the pipeline is wrong; nothing was sent
      3    a registry, KFP, Kubernetes or Docker does not answer, or refuses;
           or a package is not installed
      130  interrupted by Ctrl-C
    """


if "_FAIRING_KFP_COMPLETE" in os.environ:  # a shell asks for completions
    import fairing_kfp.cli.completion  # noqa: F401 - which registers the class of bash
