"""Made-up credentials, one of each of some forms."""

from __future__ import annotations

# Put together here, so that no scanner takes this file for a leak.
FORMS = {
    "an AWS access key": "AKIA" + "Q2W3E4R5T6Y7U8I9",
    "a GitHub token": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "a GitLab token": "glpat-" + "aB3dE6gH9jK2mN5pQ8sT",
    "a Google API key": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "a Hugging Face token": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567",
    "an OpenAI key": "sk-" + "proj-a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
    "a PyPI token": "pypi-" + "AgEIcHlwaS5vcmc" + "a" * 60,
    "a Slack token": "xoxb-" + "1234567890-abcdef",
    "a Stripe key": "sk_live_" + "a1B2c3D4e5F6g7H8i9J0",
    "a JSON Web Token": ".".join(
        ("eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0", "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P")
    ),
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow",
    "a password inside a URL": "postgresql://user:" + "hunter22@db.example.com/x",
}
HIGH = "q8Zk2vX9pLm3RtY7"
