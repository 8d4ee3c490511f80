"""What looks like a key or a token stays out of images.

The forms are the ones that their issuers publish so that scanners can find them.
"""

from __future__ import annotations

import math
import re
from collections import Counter

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
_MIN_LENGTH = 12
_MIN_ENTROPY = 3.0  # bits a character; English words and paths lie below, random keys above

REMEDY = (
    "keep it out of the code: give the step a Kubernetes secret "
    "(kfp.kubernetes.use_secret_as_env) and read it with os.environ inside the function"
)


def secret_form(text: str) -> str | None:
    """Which kind of credential stands in a text, or None."""
    match = _PATTERN.search(text)
    return list(_FORMS)[match.lastindex - 1] if match and match.lastindex else None


def secret_name(name: str, value: str) -> bool:
    """Whether a value of this name is a credential: the name says so, and the value is no ordinary word."""
    if not _NAME.search(name) or len(value) < _MIN_LENGTH or re.search(r"\s", value):
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    counts = Counter(value).values()
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
    return kinds >= 2 and entropy >= _MIN_ENTROPY
