"""What looks like a key or a token stays out of images.

The forms are the ones that their issuers publish so that scanners can find them.
"""

from __future__ import annotations

import ast
import math
import re
import textwrap
from collections import Counter
from collections.abc import Iterator

_FORMS = {
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})\b",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "a Google API key": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}\b",
    "an OpenAI or Anthropic key": r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}",
    "a PyPI token": r"\bpypi-AgE[A-Za-z0-9_-]{50,}",
    "a Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "a JSON Web Token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "a password inside a URL": r"\b[a-z][a-z0-9+.-]*://[^\s/:@{}<>$]+:[^\s/:@{}<>$]{3,}@[\w.-]+",
}
_PATTERN = re.compile("|".join(f"({form})" for form in _FORMS.values()))
_NAME = re.compile(r"(?i)(?:^|_)(?:password|passwd|pwd|secret|token|api_?key|access_?key|private_?key|credentials?)s?$")
_WORDS = re.compile(r"(?i)passw|pwd|secret|token|key|credential")
_ORDINARY = re.compile(r"[a-z]+|[A-Z][a-z]*|[A-Z]+|\w{0,3}")  # a part of `db-credentials-v2`, a name
_MIN_LENGTH = 12
_MIN_ENTROPY = 3.0  # bits a character; English words and paths lie below, random keys above

REMEDY = (
    "keep it out of the code: name a key of a Kubernetes Secret in the component's "
    'secrets={"VARIABLE": "SECRET/KEY"}, and read it with os.environ inside the step'
)


def secret_form(text: str) -> str | None:
    """Which kind of credential stands in a text, or None."""
    match = _PATTERN.search(text)
    return list(_FORMS)[match.lastindex - 1] if match and match.lastindex else None


def secret_name(name: str, value: str) -> bool:
    """Whether a value of this name is a credential: the name says so, and the value is no ordinary word."""
    if not _NAME.search(name) or len(value) < _MIN_LENGTH or re.search(r"\s", value):
        return False
    if all(_ORDINARY.fullmatch(part) for part in re.split(r"[-_./:<>|]", value)):
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    counts = Counter(value).values()
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
    return kinds >= 2 and entropy >= _MIN_ENTROPY


def secret_in_source(text: str) -> str | None:
    """What in a program's text looks like a credential, in words; None when nothing does."""
    form = secret_form(text)
    if form:
        return form
    if not _WORDS.search(text):
        return None
    try:
        tree = ast.parse(textwrap.dedent(text))
    except (SyntaxError, ValueError):  # no whole statement, such as a lambda among arguments
        return None
    for name, value in _named_constants(tree):
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and secret_name(name, value.value):
            return f"{name!r}, which looks like a credential"
    return None


def _named_constants(tree: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """The names that a program gives to values: variables, attributes, arguments, defaults and keys."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield getattr(target, "id", getattr(target, "attr", "")), node.value
        elif isinstance(node, ast.keyword):
            yield node.arg or "", node.value
        elif isinstance(node, ast.arguments):
            places = [*node.posonlyargs, *node.args]
            defaults = zip(places[len(places) - len(node.defaults) :], node.defaults, strict=True)
            for argument, value in (*defaults, *zip(node.kwonlyargs, node.kw_defaults, strict=True)):
                yield argument.arg, value
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                yield str(getattr(key, "value", "")), value
