"""Exit codes of commands."""

from __future__ import annotations

from fairing_kfp import errors

FAILED = 1
"""A step, a run or a version failed, or a file is not as `--check` wants it."""

DIFFERENT = 1
"""Of `diff` alone, which has the codes of the program `diff`: the pipelines differ."""

USAGE = 2
"""The command line, a setting or the pipeline's code is wrong; nothing was sent."""

UNAVAILABLE = 3
"""A registry, KFP, Kubernetes or an engine does not answer, or refuses; or a package is not installed."""

INTERRUPTED = 130
"""Ctrl-C, or SIGTERM."""

# The first class that an error belongs to decides.
_CODES: tuple[tuple[type[errors.FairingError], int], ...] = (
    (errors.UnavailableError, UNAVAILABLE),
    (errors.PackageIndexError, UNAVAILABLE),
    (errors.DigestError, FAILED),
    (errors.RegistryError, UNAVAILABLE),
    (errors.InvalidObjectError, FAILED),
    (errors.DeadlineError, FAILED),
    (errors.ExchangeError, FAILED),
    (errors.ClusterError, UNAVAILABLE),
    (errors.KfpError, UNAVAILABLE),
    (errors.ModelRegistryError, UNAVAILABLE),
    (errors.EndpointError, UNAVAILABLE),
    (errors.VertexError, UNAVAILABLE),
    (errors.ConfigError, USAGE),
    (errors.PipelineError, USAGE),
    (errors.ComponentError, USAGE),
    (errors.PackError, USAGE),
    (errors.DependencyError, USAGE),
    (errors.ImageError, USAGE),
    (errors.SourceError, USAGE),
    (errors.MigrationError, USAGE),
)


def exit_code(error: errors.FairingError) -> int:
    """The exit code of a command that ends with an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
