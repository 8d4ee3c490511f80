"""The gate: what looks like a credential is refused, unless its author allows it."""

from __future__ import annotations

import linecache
from collections.abc import Collection, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase

from fairing_kfp.errors import SecretError
from fairing_kfp.preprocess.secrets.finding import COMMENT, FINGERPRINT, MARK, Finding

_MOST_SHOWN = 10
_REMEDY = (
    'store it in a Kubernetes Secret, name its key in the component\'s secrets={{"VARIABLE": "SECRET/KEY"}}, '
    'and read os.environ["VARIABLE"] inside the step; if it is not a credential, allow it: '
    'allow_secrets=["{name}"], --allow-secret {name}, or the comment "fairing-kfp: allow-secret" in its line'
)


def refuse(owner: str, findings: Iterable[Finding]) -> None:
    """Rejects findings that nothing allows.

    Args:
        owner: the component or pipeline, for the message.
        findings: the findings.

    Raises:
        SecretError: there are some. The message has their places and fingerprints, but does not show them.
    """
    refused = [finding for finding in findings if not finding.allowed]
    if not refused:
        return
    shown = [f"{owner}: {finding}" for finding in refused[:_MOST_SHOWN]]
    if len(refused) > _MOST_SHOWN:
        shown.append(f"{owner}: {len(refused) - _MOST_SHOWN} more")
    raise SecretError("\n".join(shown), _REMEDY.format(name=refused[0].fingerprint))


def judge(
    findings: Iterable[Finding], allow: Collection[str], marked: Collection[str] = (), values: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Marks the findings that their author allows.

    Args:
        findings: the findings.
        allow: entries of `allow_secrets`: names of variables, keys, parameters and files, and fingerprints.
        marked: lines of source text with the comment that allows their values.
        values: values that are allowed elsewhere.
    """
    return tuple(
        finding if finding.allowed else replace(finding, allowed=_allowance(finding, allow, marked, values))
        for finding in findings
    )


def marked_lines(files: Iterable[str]) -> tuple[str, ...]:
    """The lines of files or notebook cells with the comment that allows their values."""
    return tuple(line for file in sorted(files) for line in linecache.getlines(file) if MARK.search(line))


def _allowance(finding: Finding, allow: Collection[str], marked: Collection[str], values: Collection[str]) -> str:
    entry = next((entry for entry in allow if _allows(entry, finding)), None)
    if entry is not None:
        return f"allow_secrets={entry!r}"
    if finding.value in values or any(finding.value.split("\n")[0] in line for line in marked):
        return COMMENT
    return ""


def _allows(entry: str, finding: Finding) -> bool:
    """Whether an entry of `allow_secrets` is the name, the file or the fingerprint of a finding."""
    if entry and entry in (finding.name, finding.path, finding.path.rpartition("/")[2]):
        return True
    if any(mark in entry for mark in "*?[") and finding.path and fnmatchcase(finding.path, entry):
        return True
    return bool(FINGERPRINT.fullmatch(entry)) and entry == finding.fingerprint
