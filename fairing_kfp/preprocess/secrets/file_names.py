"""Files and folders that are known by their names to contain credentials."""

from __future__ import annotations

import re
from pathlib import Path

FILE_NAMES = (
    *(
        ".env",
        ".env.*",
        "prod.env",
        "production.env",
        "staging.env",
        "local.env",
        "secrets.env",
        ".envrc",
        ".secrets",
        ".secret",
    ),
    *("*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.pkcs12", "*.jks", "*.bks", "*.keystore", "*.keytab", "*.ppk"),
    *("*.kdb", "*.kdbx", "*.ovpn", "*.agekey", "*.asc"),
    *("*id_rsa", "*id_dsa", "*id_ecdsa", "*id_ed25519", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*"),
    *(
        ".netrc",
        ".curlrc",
        ".wgetrc",
        "_netrc",
        ".pypirc",
        ".npmrc",
        ".yarnrc",
        ".pgpass",
        "pgpass.conf",
        ".my.cnf",
        ".mylogin.cnf",
        ".htpasswd",
    ),
    *(
        ".s3cfg",
        ".boto",
        ".passwd-s3fs",
        ".databrickscfg",
        ".git-credentials",
        ".vault-token",
        ".vault_pass",
        ".snowsql",
    ),
    *(".aws", ".azure", ".gcloud", ".oci", ".bluemix", ".gnupg", ".ssh", ".password-store", ".kaggle", ".huggingface"),
    *(".docker", ".dockercfg", ".dockerconfigjson", "dockerconfig.json", "docker-config.json"),
    *(
        ".kube",
        "kubeconfig",
        "kubeconfig.*",
        "*.kubeconfig",
        "*kubeconfig.yaml",
        "*kubeconfig.yml",
        "kube-config",
        "kube_config",
    ),
    *(".terraform", ".terraformrc", "*.tfstate", "*.tfstate.backup", "*.tfvars", "*.tfvars.json"),
    *("kaggle.json", "credentials.json", "credentials.csv", "rootkey.csv", "accesskeys.csv", "*_accesskeys.csv"),
    *(
        "application_default_credentials.json",
        "client_secret*.json",
        "client_credentials.json",
        "oauth_credentials.json",
    ),
    *("service-account*.json", "service_account*.json", "serviceaccount*.json", "*-service-account.json"),
    *(
        "*_service_account.json",
        "*-sa-key.json",
        "*_sa_key.json",
        "sa-key.json",
        "sa_key.json",
        "gcp-key*.json",
        "gcp_key*.json",
    ),
    *(
        "secrets.toml",
        "secrets.yaml",
        "secrets.yml",
        "secrets.json",
        "secrets.ini",
        "secret.yaml",
        "secret.yml",
        "secret.json",
    ),
    *("wp-config.php", "settings-security.xml", ".bash_history", ".zsh_history", ".python_history", ".psql_history"),
)
"""Lower-case glob patterns of the files and folders that usually contain credentials; with one `*` at most."""

_WHOLE = frozenset(pattern for pattern in FILE_NAMES if "*" not in pattern)
_AFFIXES = tuple((pattern.partition("*")[0], pattern.partition("*")[2]) for pattern in FILE_NAMES if "*" in pattern)

_EXAMPLES = re.compile(r"(?:^|[._-])(?:example|examples|sample|template|tmpl|tpl|dist|schema)(?:[._-]|$)|\.defaults?$")
_NPM = re.compile(
    rb"(?im)^[^#;\n]*(?:_auth(?:token)?|_password|npmauth\w+)[\"']?\s*[=:]\s*[\"']?(?!\$\{)[^\s\"']|//[^\s/:@]+:[^\s/@$]+@"
)
_READ = {".npmrc": _NPM, ".yarnrc": _NPM}  # most contain settings alone
_PUBLIC = (".pub", ".py", ".pyi")
_SETTINGS = (".yaml", ".yml", ".json", ".toml", ".ini")
_CERTIFICATES = (".pem", ".asc")
_PUBLIC_BLOCK = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ )*"
    rb"(?:CERTIFICATE|PUBLIC KEY|X509 CRL|DH PARAMETERS|CERTIFICATE REQUEST|PGP SIGNATURE|PGP PUBLIC KEY BLOCK)-----"
)
_SERVICE_ACCOUNT = re.compile(rb'"private_key"\s*:\s*"[^"$<{]')
_MAX_KEY_FILE = 65_536  # bytes


def is_file_name(name: str) -> bool:
    """Whether a file or folder of this name usually contains credentials. Case does not matter."""
    name = name.lower()
    if name.endswith(_PUBLIC) or _EXAMPLES.search(name):
        return False
    return name in _WHOLE or any(
        len(name) >= len(start) + len(end) and name.startswith(start) and name.endswith(end) for start, end in _AFFIXES
    )


def is_credentials_file(name: str, data: bytes) -> bool:
    """Whether a file is known by its name to contain credentials. Certificates and empty files are not."""
    if not is_file_name(name):
        return False
    if name.lower().endswith(_CERTIFICATES) and _PUBLIC_BLOCK.search(data) and b"PRIVATE KEY" not in data:
        return False
    if name.lower().endswith(_SETTINGS) and b"{{" in data:  # a template, whose values are elsewhere
        return False
    if name.lower() in _READ:
        return bool(_READ[name.lower()].search(data))
    return bool(re.sub(rb"(?m)^\s*#.*$", b"", data).strip())


def is_key_file(path: Path) -> bool:
    """Whether a JSON file contains a private key, like those of Google Cloud's service accounts."""
    try:
        is_small = path.suffix.lower() == ".json" and path.stat().st_size <= _MAX_KEY_FILE
        return is_small and has_private_key(path.read_bytes())
    except OSError:  # reported when the file is read
        return False


def has_private_key(data: bytes) -> bool:
    """Whether JSON contains a private key."""
    return bool(_SERVICE_ACCOUNT.search(data))
