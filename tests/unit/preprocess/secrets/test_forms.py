"""Tokens in the forms of their issuers."""

from __future__ import annotations

import importlib
import sys

import pytest

from fairing_kfp.preprocess.secrets import forms
from fairing_kfp.preprocess.secrets.forms import find_forms
from tests.support.made_up_secrets import FORMS
from tests.support.secret_corpus.tokens import tokens


@pytest.mark.parametrize("form", [form for form in FORMS if form != "a password inside a URL"])
def test_known_forms(form: str) -> None:
    (found, *_) = find_forms(f"before {FORMS[form]} after")
    assert found.what == form
    assert found.value in FORMS[form]


def test_no_form_is_shorter_than_the_texts_that_are_searched() -> None:
    """The widths are known to Python's parser of regular expressions, which has no public name."""
    parser = importlib.import_module("sre_parse" if sys.version_info < (3, 11) else "re._parser")
    assert min(parser.parse(form.expression).getwidth()[0] for form in forms.FORMS) >= forms._SHORTEST


@pytest.mark.parametrize("issuer", tokens())
def test_tokens_of_issuers(issuer: str) -> None:
    token = tokens()[issuer]
    assert list(find_forms(f"x={token}"))
    assert list(find_forms(token))


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PUBLIC KEY-----\nMIIB",
        "if '-----BEGIN PRIV" + "ATE KEY-----' in text:",
        "sk-learn",
        "hf_hub",
        "hf_requiredCharacteristicTypesForDisplayMetadata",
        "xoxb-my-bot-token",
        "AKIA",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "ghp_" + "x" * 36,
        "sk-...",
        "the token of an end",
        "Bearer ${TOKEN}",
        "risk-free-and-otherwise-quite-harmless-text",
    ],
)
def test_harmless_texts(text: str) -> None:
    assert list(find_forms(text)) == []
