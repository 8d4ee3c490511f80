# ruff: noqa: E501 - one recipe a line
"""Innocent files that look as if they contained credentials."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import random
import uuid
import zipfile
from collections.abc import Iterator

from tests.support.secret_corpus.case import BASE64, HEX, Case, case, encoded, rnd

_DIGEST = hashlib.sha256(b"innocent").hexdigest()
_COMMIT = hashlib.sha1(b"innocent").hexdigest()
_UUID = str(uuid.UUID(int=random.Random("innocent").getrandbits(128)))
_PICTURE = encoded(bytes(random.Random("picture").getrandbits(8) for _ in range(3000)))
_AWS = "AKIA" + "IOSFODNN7" + "EXAMPLE", "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"


def innocents() -> list[Case]:
    """The files."""
    return [*_settings(), *_programs(), *_prose(), *_data(), *_notebooks(), *_files()]


def _settings() -> Iterator[Case]:
    for path, text in (
        ("a.yaml", "password: ${PASSWORD}\n"), ("a.yaml", "password: {{ .Values.password }}\n"), ("a.yaml", "password: changeme\n"),
        ("a.yaml", "password: <your-password>\n"), ("a.yaml", "token: YOUR_TOKEN_HERE\n"), ("a.yaml", "api_key: your-api-key\n"),
        ("a.yaml", "password: '********'\n"), ("a.yaml", "password: xxxxxxxx\n"), ("a.yaml", "secret: my-database-credentials\n"),
        ("a.yaml", "secretName: db-credentials-v2\nsecretKey: password\n"), ("a.yaml", "imagePullSecrets:\n- name: registry-login\n"),
        ("a.yaml", "env:\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db\n      key: password\n"),
        ("a.yaml", "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n"), ("a.yaml", "tokenizer: bert-base-uncased-Version2\n"),
        ("a.yaml", "max_tokens: 4096\ntoken_budget: 10000\n"), ("a.yaml", "pad_token: '<pad>'\neos_token: '<|endoftext|>'\n"),
        ("a.yaml", "password:\n  minimum_length: 12\n  require_digits: true\n"), ("a.yaml", "tokens:\n- type: word\n- type: number\n"),
        ("a.yaml", f"image: registry.example.com/team/app@sha256:{_DIGEST}\n"), ("a.yaml", f"commit: {_COMMIT}\nrun: {_UUID}\n"),
        ("a.yaml", "secret_path: /run/secrets/db_password\n"), ("a.yaml", "password_file: /run/secrets/db\n"),
        ("a.yaml", "token_url: https://auth.example.com/oauth2/token\n"), ("a.yaml", "credentials: projects/p/secrets/db/versions/latest\n"),
        ("a.yaml", "api_key: !env OPENAI_API_KEY\n"), ("a.yaml", "api_key: env:OPENAI_API_KEY\n"), ("a.yaml", "password: null\ntoken: ~\n"),
        ("a.yaml", "auth:\n  type: bearer\n  required: true\n"), ("a.yaml", "key: value\nprimary_key: customer_id\nsort_key: created_at\n"),
        ("a.yaml", f"cache_key: deps-{_COMMIT}\n"), ("a.yaml", "foreign_key: orders.customer_id\n"), ("a.yaml", "hotkey: ctrl+shift+p\n"),
        ("openapi.yaml", "password:\n  type: string\n  format: password\n"), ("openapi.json", '{"properties": {"apiKey": {"type": "string"}}}'),
        ("i18n.json", '{"password": "Passwort", "forgot_password": "Passwort vergessen?"}'), ("i18n.json", '{"token": "Jeton", "secret": "Geheimnis"}'),
        ("a.ini", "password = %(DB_PASSWORD)s\n"), ("a.ini", "[auth]\nbackend = token\ntoken_ttl = 3600\n"), ("a.toml", 'password = ""\n'),
        ("a.toml", 'secrets = ["DB_PASSWORD", "API_TOKEN"]\n'), ("a.properties", "password=${env.PASSWORD}\n"), ("a.env.example", "DB_PASSWORD=\nAPI_KEY=\n"),
        (".env.example", "DB_PASSWORD=changeme\nHF_TOKEN=<token>\n"), ("a.tf", 'password = var.db_password\n'), ("a.tf", "secret_id = aws_secret.db.id\n"),
        ("Dockerfile", "ARG TOKEN\nRUN --mount=type=secret,id=token cat /run/secrets/token\n"), ("compose.yaml", "POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?}\n"),
        ("ci.yaml", "env:\n  TOKEN: ${{ secrets.GITHUB_TOKEN }}\n"), ("run.sh", 'curl -H "Authorization: Bearer $TOKEN" https://x.example.com\n'),
        ("run.sh", 'curl -u "$USER:$PASSWORD" https://x.example.com\n'), ("run.sh", 'export TOKEN="$(cat /run/token)"\n'),
        ("run.sh", "echo $PASSWORD | docker login --password-stdin registry.example.com\n"), ("run.sh", "read -s PASSWORD\n"),
        ("run.sh", 'mysql --user=me --password="$DB_PASSWORD" app\n'), ("run.sh", "docker pull python:3.12@sha256:" + _DIGEST + "\n"),
        ("url.yaml", "url: https://user:password@host/path\n"), ("url.yaml", "url: postgresql://{user}:{password}@{host}/db\n"),
        ("url.yaml", "url: redis://localhost:6379/0\n"), ("url.yaml", "url: http://localhost:8080/a@b\n"), ("url.yaml", "git: git@github.com:team/app.git\n"),
        ("url.yaml", "url: postgres://postgres:postgres@localhost:5432/test\n"), ("url.yaml", "url: amqp://guest:guest@localhost//\n"),
        ("sealed.yaml", "kind: SealedSecret\nencryptedData:\n  password: AgB" + rnd("sealed", 300, BASE64) + "\n"),
        ("sops.yaml", f"password: ENC[AES256_GCM,data:{rnd('sops', 20, BASE64)},iv:{rnd('iv', 43, BASE64)}=,type:str]\n"),
        ("aws.yaml", f"# from the documentation of AWS\naws_access_key_id: {_AWS[0]}\naws_secret_access_key: {_AWS[1]}\n"),
        ("tls.yaml", "cert: |\n  -----BEGIN CERTIFICATE-----\n  " + rnd("cert", 64, BASE64) + "\n  -----END CERTIFICATE-----\n"),
        ("ssh.yaml", f"authorized_keys:\n- ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{rnd('ssh', 43, BASE64)} me@host\n"),
        ("lock.json", json.dumps({"integrity": f"sha512-{rnd('sri', 86, BASE64)}==", "resolved": "https://npm.example.com/a/-/a-1.0.0.tgz"})),
        ("uv.lock", f'wheels = [{{ url = "https://files.example.com/a.whl", hash = "sha256:{_DIGEST}" }}]\n'),
        ("tokenizer_config.json", json.dumps({"bos_token": "<s>", "unk_token": "<unk>", "tokenizer_class": "LlamaTokenizer", "use_auth_token": None})),
        ("vocab.json", json.dumps({"password": 9206, "Ġtoken": 11241, "secret": 21078, "Ġpasswords": 21442})),
        ("added_tokens.json", json.dumps([{"id": 5, "content": "<|im_start|>", "special": True}])),
    ):  # fmt: skip
        yield case(f"settings: {text[:50]!r}", path, text)


def _programs() -> Iterator[Case]:
    for text in (
        'password = os.environ["PASSWORD"]', 'token = os.environ.get("API_TOKEN")', 'token = os.getenv("TOKEN", "")', "password = getpass()",
        'password = getpass("Password: ")', 'password = input("Enter the password: ")', "password: str", "password: str | None = None",
        'def login(user, password=None): ...', 'def login(user: str, password: str = "") -> str: ...', "token = tokenizer.decode(ids)",
        "token = self.next_token()", 'if token == "IDENT":\n    pass', 'tokens = text.split(" ")', 'pad_token = "<pad>"', 'SPECIAL_TOKENS = ["<s>", "</s>", "[MASK]"]',
        'token = "identifier"', 'PASSWORD_FIELD = "password"', 'parser.add_argument("--password", help="the password of the user")',
        '@click.option("--token", envvar="API_TOKEN", prompt=True)\ndef f(token): ...', 'headers = {"Authorization": f"Bearer {token}"}',
        'url = f"postgresql://{user}:{password}@{host}/db"', 'requests.get(url, auth=(user, password))', 'requests.get(url, auth=("user", "password"))',
        'secret = client.get_secret("db-credentials")', 'SECRET_NAME = "db-credentials"', 'use_secret_as_env(task, "huggingface", {"token": "HF_TOKEN"})',
        'fairing_component(secrets={"HF_TOKEN": "huggingface/token"})', 'key = "customer_id"', "key = (name, version)", 'cache_key = f"{name}-{version}"',
        f'DIGEST = "sha256:{_DIGEST}"', f'COMMIT = "{_COMMIT}"', f'model_id = "{_UUID}"', 'revision = "a1b2c3d"', 'REGEX = r"ghp_[A-Za-z0-9]{36}"',
        'PATTERN = re.compile(r"(?i)password\\s*[:=]\\s*(\\S+)")', 'if "-----BEGIN PRIV" + "ATE KEY-----" in text:\n    raise ValueError(text)',
        'class Token(enum.Enum):\n    NUMBER = "number"\n    STRING = "string"', 'TOKEN_TYPES = {"NAME": 1, "OP": 2}', 'raise ValueError("password must have 12 characters")',
        'log.info("token expires in %s s", ttl)', 'password = hashlib.sha256(text).hexdigest()', 'assert response.json()["token"]', 'st.text_input("Password", type="password")',
        'def f():\n    """Connects to user:password@host.\n\n    Args:\n        password: the password of the user.\n        token: Hugging Face token, or None.\n    """',
        'def f():\n    """Reads https://user:password@example.com/path."""', 'EXAMPLE = "postgresql://user:password@localhost:5432/mydb"',
        f'os.environ["AWS_ACCESS_KEY_ID"] = "{_AWS[0]}"', f'ALPHABET = "{"abcdefghijklmnopqrstuvwxyz" + "0123456789"}"', 'TOKEN = "TOKEN"', 'PASSWORD = "PASSWORD"',
        'password_hash = hash_password(password)', 'api_key = settings.api_key', 'client = OpenAI(api_key=api_key)', 'hf_hub_download("team/model", token=True)',
        'AutoModel.from_pretrained("bert", use_auth_token=False)', 'secret_key: SecretStr', 'token = "hello world, this is a sentence"', 'max_new_tokens = 512',
        'key = jax.random.PRNGKey(0)', 'keys = sorted(d.keys())', 'x_key = "features/x"', 'tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.1-8B")',
        'image = "python:3.12-slim@sha256:' + _DIGEST + '"', 'credentials = service_account.Credentials.from_service_account_file("/var/run/key.json")',
        'credentials, project = google.auth.default()', 'password = secrets.token_urlsafe(32)', 'token = uuid.uuid4().hex', 'print("Password:", "*" * 8)',
        'connect(password=os.environ["PASSWORD"], token=vault.read("secret/data/db"))', 'TOKEN_URL = "https://oauth2.googleapis.com/token"', 'sep_token = "[SEP]"',
        'session = boto3.Session(profile_name="prod")', 'next_page_token = "CAUQAA"', 'def test_token():\n    assert tokenize("a b") == ["a", "b"]',
    ):  # fmt: skip
        yield case(f"program: {text[:50]!r}", "train.py", f"{text}\n")


def _prose() -> Iterator[Case]:
    for path, text in (
        ("README.md", "Set `HF_TOKEN` to your token: `export HF_TOKEN=hf_...`.\n"), ("README.md", "Password: the password of the database.\n"),
        ("README.md", "Pass `--password PASSWORD`, or set `DB_PASSWORD`.\n"), ("README.md", "Use `https://user:password@host` for basic authentication.\n"),
        ("README.md", "The token is a string of 36 characters, such as `ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`.\n"), ("README.md", "secret: a Secret of Kubernetes with the key `token`.\n"),
        ("README.md", "1. Create a secret: `kubectl create secret generic db --from-literal=password=<password>`\n"), ("notes.txt", "token: a word or a part of a word\n"),
        ("notes.txt", "The key: measure first.\n"), ("changes.md", f"- {_COMMIT[:10]} Rename the password field\n"), ("a.rst", "password\n    The password; see :ref:`secrets`.\n"),
        ("paper.tex", "Each token $t_i$ is embedded; the secret is attention.\n"), ("corpus.txt", "he forgot the password again , and the key to the secret garden\n"),
        ("a.log", "2026-01-01 token refreshed, expires in 3600 s\n"), ("merges.txt", "#version: 0.2\nĠ t\npass word\nto ken\n"), ("users.csv", "id,password,token\n1,,\n2,***,***\n"),
    ):  # fmt: skip
        yield case(f"prose: {text[:50]!r}", path, text)


def _data() -> Iterator[Case]:
    noise = random.Random("weights").randbytes(200_000)
    header = json.dumps({"token_embedding.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}).encode()
    yield case("weights", "model.bin", noise)
    yield case("safetensors", "model.safetensors", len(header).to_bytes(8, "little") + header + noise)
    yield case("base64 picture in JSON", "a.json", json.dumps({"picture": f"data:image/png;base64,{_PICTURE}"}))
    yield case("base64 picture in HTML", "a.html", f'<img src="data:image/png;base64,{_PICTURE}">')
    yield case("embeddings", "a.jsonl", json.dumps({"text": "a", "vector": [0.1234567, -0.7654321] * 50}))
    yield case(
        "pickled words",
        "vocab.pkl",
        pickle.dumps({"pad_token": "<pad>", "tokens": ["password", "secret", "token", "a"]}),
    )
    yield case("pickled settings without values", "a.pkl", pickle.dumps({"password": None, "token": "", "user": "me"}))
    yield case("pickled noise", "a.pkl", pickle.dumps({"weights": noise, "digest": _DIGEST}))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"embed_tokens.weight": b"\0" * 100}))
        archive.writestr("archive/data/0", noise)
    yield case("checkpoint", "model.pt", buffer.getvalue())
    yield case("hashes", "SHA256SUMS", "".join(f"{rnd(str(n), 64, HEX)}  part-{n}.bin\n" for n in range(20)))
    yield case("ids", "ids.csv", "id,commit\n" + "".join(f"{_UUID},{_COMMIT}\n" for _ in range(5)))
    yield case("minified", "a.js", 'function f(t){return t.token||(t.token=g("token")),e.password===n.password}\n')
    yield case(
        "form",
        "a.html",
        '<input type="password" name="password" placeholder="Password" autocomplete="current-password">',
    )
    yield case("typescript", "a.ts", "interface Login { password: string; token?: string; apiKey: string | null }\n")
    yield case(
        "java",
        "A.java",
        "private final String password; this.password = password; String token = request.getToken();\n",
    )
    yield case("go", "a.go", 'type T struct { Password string `json:"password"` }\ntoken, err := client.Token(ctx)\n')
    yield case("sql", "a.sql", "CREATE TABLE users (id int PRIMARY KEY, password text NOT NULL, token varchar(64));\n")
    yield case("UTF-16", "a.txt", "password: ${PASSWORD}\n".encode("utf-16"))


def _notebooks() -> Iterator[Case]:
    picture = [
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": _PICTURE, "text/plain": ["<Figure>"]}}
    ]
    stream = [{"output_type": "stream", "name": "stdout", "text": ["tokens: 4096\n", f"digest sha256:{_DIGEST}\n"]}]
    for label, source, outputs in (
        ("picture", "plot()", picture), ("stream", "train()", stream), ("getpass", "from getpass import getpass\ntoken = getpass()", []),
        ("environment", '%env TOKENIZERS_PARALLELISM=false\nimport os\ntoken = os.environ["HF_TOKEN"]', []), ("login", "from huggingface_hub import login\nlogin()", []),
        ("pip", "%pip install tokenizers==0.21.0 secretstorage", []), ("shell", "!echo $TOKEN | wc -c", []), ("bash", "%%bash\nexport TOKEN=$(cat token.txt)\n", []),
        ("colab", 'from google.colab import userdata\nkey = userdata.get("OPENAI_API_KEY")', []),
    ):  # fmt: skip
        cell = {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": source, "outputs": outputs}
        yield case(
            f"notebook {label}",
            "a.ipynb",
            json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
        )


def _files() -> Iterator[Case]:
    certificate = f"-----BEGIN CERTIFICATE-----\n{rnd('ca', 64, BASE64)}\n-----END CERTIFICATE-----\n"
    for path, text in (
        ("ca.pem", certificate), ("id_ed25519.pub", f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{rnd('pub', 43, BASE64)} me\n"), (".env", "# nothing yet\n"),
        ("env.yaml", "name: base\n"), ("keys.py", "KEYS = ()\n"), ("secrets.py", "def token(): ...\n"), ("environment.yml", "dependencies: [python=3.12]\n"),
        ("token_classification.json", "{}"), ("secret_santa.csv", "name\nme\n"), ("terraform.tfvars.example", "password = \"\"\n"),
        ("service_account.py", "NAME = 'pipeline-runner'\n"), ("public.json", json.dumps({"type": "authorized_user", "client_id": "x"})),
    ):  # fmt: skip
        yield case(f"file {path}", path, text)
