"""What looks like a credential, and what only sounds like one."""

from __future__ import annotations

import pytest

from fairing_kfp.preprocess.secrets import secret_form, secret_in_source, secret_name

# Put together here, so that no scanner takes this file for a leak.
FORMS = {
    "an AWS access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "a GitHub token": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "a GitLab token": "glpat-" + "aB3dE6gH9jK2mN5pQ8sT",
    "a Google API key": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "a Hugging Face token": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567",
    "an OpenAI or Anthropic key": "sk-" + "proj-a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
    "a PyPI token": "pypi-" + "AgEIcHlwaS5vcmc" + "a" * 60,
    "a Slack token": "xoxb-" + "1234567890-abcdef",
    "a Stripe key": "sk_live_" + "a1B2c3D4e5F6g7H8i9J0",
    "a JSON Web Token": "eyJ"
    + "hbGciOiJIUzI1NiJ9."
    + "eyJ"
    + "zdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a password inside a URL": "postgresql://user:" + "hunter22@db.example.com/x",
}
HIGH = "q8Zk2vX9pLm3RtY7"


@pytest.mark.parametrize("form", FORMS)
def test_known_forms(form: str) -> None:
    assert secret_form(f"before {FORMS[form]} after") == form


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/a:b@c",
        "https://{user}:{password}@host",
        "http://localhost:8080/x@y",
        "-----BEGIN PUBLIC KEY-----",
        "sk-learn",
        "hf_hub",
        "AKIA",
        "the token of an end",
        "s3://bucket/key",
    ],
)
def test_harmless_texts(text: str) -> None:
    assert secret_form(text) is None


@pytest.mark.parametrize("name", ["token", "API_KEY", "db_password", "secret", "AWS_SECRET_ACCESS_KEY", "credentials"])
def test_names_with_random_values(name: str) -> None:
    assert secret_name(name, HIGH)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAD_TOKEN", "<pad>"),
        ("EOS_TOKEN", "<|endoftext|>"),
        ("bos_token", "<begin_of_sentence>"),
        ("token", "short1A"),
        ("secret", "my-database-credentials"),
        ("secret", "db-credentials-v2"),
        ("api_key", "YOUR-API-KEY-HERE"),
        ("password", "please type your Passw0rd here"),
        ("token", "https://example.com/tokens"),
        ("tokenizer", HIGH),
        ("key", HIGH),
        ("digest", HIGH),
        ("monkey", HIGH),
    ],
)
def test_names_with_ordinary_values(name: str, value: str) -> None:
    assert not secret_name(name, value)


@pytest.mark.parametrize(
    "text",
    [
        f"token = '{HIGH}'",
        f"self.password: str = '{HIGH}'",
        f"connect(api_key='{HIGH}')",
        f"    def f(a, *, token='{HIGH}'): ...",
        f"def f(a, password='{HIGH}', b=1): ...",
        f"headers = {{'token': '{HIGH}'}}",
        f"broken( '{FORMS['a GitHub token']}'",
    ],
)
def test_found_in_source(text: str) -> None:
    found = secret_in_source(text)
    assert found
    assert HIGH not in found


@pytest.mark.parametrize(
    "text",
    [
        "token = os.environ['TOKEN']",
        "tokenizer.pad_token = '<pad>'",
        "def f(token=None, *, password=''): ...",
        "headers = {**others, 'token': token}",
        "api_key = lambda: (",
        f"name = '{HIGH}'",
    ],
)
def test_harmless_source(text: str) -> None:
    assert secret_in_source(text) is None
