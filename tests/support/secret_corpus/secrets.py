# ruff: noqa: E501 - one recipe a line
"""Made-up credentials in the files in which people leave them."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from collections import namedtuple
from collections.abc import Iterator

from tests.support.secret_corpus.case import BASE64, HEX, UPPER, URL_SAFE, Case, case, encoded, jwt, pem, rnd
from tests.support.secret_corpus.tokens import tokens

PASSWORDS = (
    "hunter" + "2",
    "Sommer" + "2024!",
    "Tr0ub4dor" + "&3",
    "correct-horse" + "-battery",
    "xK9" + "#mQ2$vL",
    "l3tm" + "31n",
)
Login = namedtuple("Login", ["user", "password"])


def secrets() -> list[Case]:
    """The files."""
    return [
        *_tokens(), *_settings(), *_programs(), *_urls(), *_commands(), *_other_languages(), *_notebooks(),
        *_encoded(), *_binary(), *_files(),
    ]  # fmt: skip


def _tokens() -> Iterator[Case]:
    """Each token once, in one of several files that do not name it."""
    shapes = (
        ("notes.txt", "remember: {}\n"),
        ("conf.yaml", "value: {}\n"),
        ("a.py", 'client = connect("{}")\n'),
        ("b.py", "# was {} before\nx = 1\n"),
        ("data.json", '{{"a": ["{}"]}}'),
        ("run.sh", "curl https://api.example.com/v1?x={}\n"),
        ("README.md", "Use `{}` for now.\n"),
        ("c.py", 'def f():\n    """Calls it.\n\n    >>> f("{}")\n    """\n'),
    )
    for number, (label, token) in enumerate(tokens().items()):
        path, text = shapes[number % len(shapes)]
        yield case(f"token {label}", path, text.format(token))


def _settings() -> Iterator[Case]:
    weak = iter(PASSWORDS * 9)
    high = (rnd(f"settings {number}", 20 + number % 13) for number in range(99))
    for path, text in (
        ("app.yaml", "db:\n  host: db.internal\n  password: {weak}\n"),
        ("app.yaml", "dbPassword: '{weak}'  # production\n"),
        ("app.yaml", "apiKey: {high}\n"),
        ("app.yaml", "env:\n- name: DB_PASSWORD\n  value: {weak}\n"),
        ("app.yaml", 'env:\n  - value: "{high}"\n    name: API_TOKEN\n'),
        ("app.yaml", "clientSecret: >-\n  {high}\n"),
        ("app.yaml", "accounts: [{{user: me, password: '{weak}'}}]\n"),
        ("secret-manifest.yaml", "apiVersion: v1\nkind: Secret\nstringData:\n  password: {weak}\n"),
        ("manifest.yaml", "apiVersion: v1\nkind: Secret\ndata:\n  password: {b64}\n"),
        ("app.ini", "[db]\nuser = me\npasswd = {weak}\n"),
        ("app.ini", "[auth]\nsecret_key={high}\n"),
        ("app.cfg", "smtp_pass = {weak}\n"),
        ("app.toml", 'password = "{weak}"\n'),
        ("app.toml", 'auth = {{ token = "{high}", user = "me" }}\n'),
        ("app.json", '{{"db": {{"password": "{weak}"}}}}'),
        ("app.json", '{{"accessToken":"{high}","expires_in":3600}}'),
        ("app.json", '{{"auth": "{pair}"}}'),
        ("app.json", '{{"payload": "{{\\"password\\": \\"{weak}\\"}}"}}'),
        ("app.properties", "spring.datasource.password={weak}\n"),
        ("app.properties", "jwt.secret: {high}\n"),
        ("app.conf", "requirepass {weak}\nmasterauth x\npassword {weak}\n"),
        ("settings.env.txt", "OPENAI_API_KEY={high}\n"),
        ("vars", "export AWS_SECRET_ACCESS_KEY={aws}\n"),
        ("vars", "PGPASSWORD={weak}\nPGUSER=me\n"),
        ("app.xml", "<datasource><password>{weak}</password></datasource>"),
        ("app.xml", '<property name="password" value="{weak}"/>'),
        ("app.xml", '<add key="ApiSecret" value="{high}" />'),
        ("odbc.txt", "Driver={{SQL}};Server=db;UID=sa;PWD={weak};\n"),
        ("conn.yaml", "conn: Server=tcp:db.internal,1433;User ID=me;Password={weak};Encrypt=true\n"),
        ("azure.yaml", "conn: DefaultEndpointsProtocol=https;AccountName=me;AccountKey={azure};EndpointSuffix=core\n"),
        ("bus.yaml", "bus: Endpoint=sb://x.example.com/;SharedAccessKeyName=root;SharedAccessKey={azure44}\n"),
        ("pip.conf", "[global]\nindex-url = https://me:{weak}@pypi.internal/simple\n"),
        ("npm.txt", "//registry.internal/:_authToken={high}\n"),
        ("netrc.txt", "machine db.internal login me password {weak}\n"),
        ("values.tf", 'variable "db_password" {{\n  default = "{weak}"\n}}\n'),
        ("Dockerfile", "FROM python:3.12\nENV HF_TOKEN {high}\n"),
        ("Dockerfile", "FROM python:3.12\nARG PIP_PASSWORD={weak}\n"),
        ("compose.yaml", "services:\n  db:\n    environment:\n      - POSTGRES_PASSWORD={weak}\n"),
        ("notes.md", "The staging login: password `{weak}`, user me\n"),
        ("log.txt", "2026-01-01 connecting with token={high} retry=3\n"),
        ("http.txt", "GET / HTTP/1.1\nAuthorization: Bearer {high}\n"),
        ("http.txt", "X-Api-Key: {high}\n"),
        ("cookies.txt", "Cookie: session_token={high}; theme=dark\n"),
        ("wandb.yaml", "WANDB_API_KEY: {hex40}\n"),
        ("heroku.yaml", "HEROKU_API_KEY: {uuid}\n"),
        ("k8s.json", '{{"env":[{{"name":"REDIS_PASSWORD","value":"{weak}"}}]}}'),
    ):  # fmt: skip
        filled = text.format(
            weak=next(weak), high=next(high), b64=encoded(PASSWORDS[1]), pair=encoded(f"me:{PASSWORDS[2]}"),
            aws=rnd("aws secret", 40, BASE64), azure=rnd("azure", 86, BASE64) + "==", azure44=rnd("bus", 43, BASE64) + "=",
            hex40=rnd("hex40", 40, HEX), uuid="-".join(rnd(f"u{n}", n, HEX) for n in (8, 4, 4, 4, 12)),
        )  # fmt: skip
        yield case(f"settings: {text[:60]!r}", path, filled)


def _programs() -> Iterator[Case]:
    weak = iter(PASSWORDS * 9)
    for number, text in enumerate((
        'password = "{weak}"',
        'PASSWORD: str = "{weak}"',
        'self.db_password = "{weak}"',
        'config["db"]["password"] = "{weak}"',
        'os.environ["API_TOKEN"] = "{high}"',
        'os.environ.setdefault("DB_PASSWORD", "{weak}")',
        'token = os.getenv("TOKEN", "{high}")',
        'token = os.environ.get("TOKEN") or "{high}"',
        'connect(host="db", user="me", password="{weak}")',
        'CONF = {{"user": "me", "password": "{weak}"}}',
        'CONF = dict(api_key="{high}")',
        'user, password = "me", "{weak}"',
        'def connect(host, password="{weak}"): ...',
        'def connect(*, token: str = "{high}"): ...',
        'class Settings:\n    secret_key = "{high}"',
        'class Settings(BaseSettings):\n    password: SecretStr = SecretStr("{weak}")',
        'API_KEY = Field(default="{high}")',
        'requests.get(url, auth=("me", "{weak}"))',
        'requests.get(url, auth=HTTPBasicAuth("me", "{weak}"))',
        'requests.get(url, headers={{"Authorization": "Bearer {high}"}})',
        'requests.get(url, headers={{"X-API-Key": "{high}"}})',
        'requests.get(f"https://api.example.com/v1/{{user}}?api_key={high}")',
        'url = f"postgresql://me:{weak}@{{host}}:5432/db"',
        'engine = create_engine("mysql+pymysql://me:{weak}@db.internal/app")',
        'parser.add_argument("--token", default="{high}")',
        '@click.option("--password", default="{weak}")\ndef main(password): ...',
        'subprocess.run(["mysql", "--password", "{weak}"])',
        'subprocess.run(["curl", "-u", "me:{weak}", url])',
        'script = """\nexport DB_PASSWORD={weak}\nrun\n"""',
        'ENV = """\nAPI_KEY={high}\nDEBUG=1\n"""',
        'TOKEN = "{high_a}" + "{high_b}"',
        'TOKEN = ("{high_a}"\n         "{high_b}")',
        'TOKEN = "".join(["{high_a}", "{high_b}"])',
        'TOKEN = b"{high}"',
        'token = "{high}".encode()',
        'key = Fernet("{high}")\nfernet_key = "{high}"',
        'if password == "{weak}":\n    pass',
        'def get_password():\n    return "{weak}"',
        'monkeypatch.setenv("SECRET_KEY", "{high}")',
        'env = [EnvVar(name="DB_PASSWORD", value="{weak}")]',
        'task.set_env_variable(name="HF_TOKEN", value="{high}")',
        'openai.api_key = "{high}"',
        'wandb.login(key="{hex40}")\nwandb_key = "{hex40}"',
        '# password: {weak}\nx = 1',
        'boto3.client("s3", aws_access_key_id=k, aws_secret_access_key="{aws}")',
        'KEY = """{pem}"""',
        'tokens = ["{high}", "{high_b}{high_a}"]',
        'password = (\n    "{weak}"\n)',
        'password = input_password or "{weak}"',
        'PASSWORDS = {{"me": "x"}}\nPASSWORDS.update(password="{weak}")',
        'async def f():\n    await login("me", "{weak}")',
        'dbPassword = userPassword = "{weak}"',
        'print("broken)\npassword = "{weak}"',
    )):  # fmt: skip
        filled = text.format(
            weak=next(weak), high=rnd(f"program {number}", 32), high_a=rnd("a", 12), high_b=rnd("b", 13),
            hex40=rnd("wandb", 40, HEX), aws=rnd("aws2", 40, BASE64), pem=pem(),
        )  # fmt: skip
        yield case(f"program: {text[:60]!r}", "train.py", f"{filled}\n")


def _urls() -> Iterator[Case]:
    for text in (
        "redis://:{}@cache:6379/0", "rediss://default:{}@cache.internal:6380", "postgres://app:{}@10.0.0.7/db",
        "mongodb+srv://app:{}@cluster0.abcde.mongodb.net/?retryWrites=true", "amqp://app:{}@mq.internal:5672/vhost",
        "https://oauth2:{}@git.internal/team/repo.git", "ftp://me:{}@files.internal/a", "smtp://me%40x.com:{}@mail.internal:587",
        "jdbc:postgresql://db.internal/app?user=me&password={}", "mysql://root:{}@tcp(db:3306)/app", "me:{}@tcp(db:3306)/app",
        "s3://AK:{}@minio.internal/bucket", "snowflake://me:{}@acme/db", "http://proxyuser:{}@proxy.internal:3128",
    ):  # fmt: skip
        for path, shape in (("a.yaml", "url: {}\n"), ("b.py", 'URL = "{}"\n')):
            password = rnd(text, 14) if path == "a.yaml" else PASSWORDS[5]
            yield case(f"url {text}", path, shape.format(text.format(password)))


def _commands() -> Iterator[Case]:
    for number, text in enumerate((
        "mysql -u me --password={} app", "mysql --user me --password {} app", "curl -u me:{} https://x.example.com",
        "curl --user 'me:{}' https://x.example.com", 'curl -H "Authorization: Bearer {high}" https://x.example.com',
        'curl -H "PRIVATE-TOKEN: {high}" https://git.internal', "PGPASSWORD={} psql -h db", "export TOKEN='{high}'",
        "docker login -u me --password {} registry.internal", "sshpass -p x ssh me@h; export SSHPASS={}",
        "kubectl create secret generic db --from-literal=password={}", "helm install x --set auth.rootPassword={}",
        "aws configure set aws_secret_access_key {high}", "cat > .env <<EOF\nDB_PASSWORD={}\nEOF",
        "huggingface-cli login --token {high}", "wget --http-password={} https://x.example.com", "set -x SECRET_KEY {high}",
        "fairing-kfp run flow.py -p password={}",
    )):  # fmt: skip
        yield case(
            f"command {text[:40]}", "run.sh", f"#!/bin/sh\n{text.format(PASSWORDS[number % 6], high=rnd(text, 30))}\n"
        )


def _other_languages() -> Iterator[Case]:
    for path, text in (
        ("a.js", 'const password = "{}";'), ("a.ts", 'private apiKey: string = "{high}";'), ("a.js", "axios.get(u, {{ auth: {{ password: '{}' }} }})"),
        ("A.java", 'String dbPassword = "{}";'), ("a.go", 'token := "{high}"'), ("a.go", 'const APIKey = `{high}`'),
        ("a.R", 'password <- "x"; db_password = "{}"'), ("a.sql", "CREATE USER me WITH PASSWORD '{}';"), ("a.php", "define('DB_PASSWORD', '{}');"),
        ("a.c", '#define API_TOKEN "{high}"'), ("a.cs", 'var clientSecret = new Secret("{high}");'), ("a.rb", "ENV['SECRET_TOKEN'] = '{high}'"),
        ("a.ps1", '$env:API_KEY = "{high}"'), ("a.html", '<a href="https://x.example.com/?access_token={high}">'),
    ):  # fmt: skip
        yield case(f"language {text[:40]}", path, text.format(PASSWORDS[2], high=rnd(text, 36)) + "\n")


def _notebooks() -> Iterator[Case]:
    high = rnd("notebook", 40)
    for label, source, outputs in (
        ("code", f'password = "{PASSWORDS[1]}"', []),
        ("env magic", f"%env API_TOKEN={high}\nx = 1", []),
        ("env magic with a space", f"import os\n%env API_TOKEN {high}", []),
        ("shell line", f"x = 1\n!curl -u me:{PASSWORDS[4]} https://x.example.com", []),
        ("bash cell", f"%%bash\nexport DB_PASSWORD={PASSWORDS[0]}\n", []),
        ("writefile", f"%%writefile conf.ini\n[db]\npassword = {PASSWORDS[1]}\n", []),
        ("sql", f"%load_ext sql\n%sql postgresql://me:{PASSWORDS[3]}@db.internal/app", []),
        ("stream", "print(t)", [{"output_type": "stream", "name": "stdout", "text": [f"token: {high}\n"]}]),
        ("result", "t", [{"output_type": "execute_result", "metadata": {}, "data": {"text/plain": [f"{{'api_key': '{high}'}}"]}}]),
        ("error", "f()", [{"output_type": "error", "ename": "E", "evalue": "", "traceback": [f"url https://me:{high}@x.internal"]}]),
    ):  # fmt: skip
        cell = {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "source": source.splitlines(True),
            "outputs": outputs,
        }
        yield case(
            f"notebook {label}",
            "a.ipynb",
            json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
        )


def _encoded() -> Iterator[Case]:
    yield case("base64 PEM", "a.yaml", f"tls: {encoded(pem())}\n")
    yield case("base64 PEM in a program", "a.py", f'X = "{encoded(pem("EC "))}"\n')
    docker = json.dumps({"auths": {"registry.internal": {"auth": encoded(f"me:{PASSWORDS[1]}")}}})
    yield case("docker configuration in base64", "a.yaml", f".dockerconfigjson: {encoded(docker)}\n")
    yield case("docker configuration", "conf.json", docker)
    yield case("basic header", "a.py", f'H = {{"Authorization": "Basic {encoded("me:" + PASSWORDS[2])}"}}\n')
    yield case(
        "settings in base64",
        "a.yaml",
        f"config: {encoded('database:' + chr(10) + '  password: ' + PASSWORDS[1] + chr(10))}\n",
    )
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"):
        yield case(f"encoding {encoding}", "a.ini", f"[db]\npassword = {PASSWORDS[1]}\n".encode(encoding))
    yield case("latin-1", "a.ini", f"# für alle\npassword = {PASSWORDS[1]}\n".encode("latin-1"))
    yield case("PEM with escaped newlines", "a.json", json.dumps({"key": pem("")}))
    yield case("PEM in a program", "a.go", "k := `" + pem("OPENSSH ") + "`\n")


def _binary() -> Iterator[Case]:
    token = tokens()["github classic"]
    yield case("pickled dictionary", "a.pkl", pickle.dumps({"user": "me", "password": PASSWORDS[1]}))
    yield case("pickled bytes", "a.pkl", pickle.dumps([b"x", token.encode()]))
    yield case("pickled nested", "a.bin", pickle.dumps({"a": [{"b": {"api_key": rnd("p", 30)}}]}, protocol=2))
    yield case("pickled settings text", "a.joblib", pickle.dumps("db:\n  password: " + PASSWORDS[2]))
    yield case("token in binary data", "a.bin", b"\0\1\2\3" * 500 + token.encode() + b"\0\1" * 500)
    yield case(
        "URL in binary data",
        "a.db",
        b"SQLite\0" * 90 + f"postgres://me:{PASSWORDS[4]}@db.internal/x".encode() + b"\0" * 90,
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conf/app.yaml", f"password: {PASSWORDS[1]}\n")
    yield case("in a zip archive", "a.zip", buffer.getvalue())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"token": rnd("pt", 40)}))
    yield case("in a PyTorch checkpoint", "model.pt", buffer.getvalue())
    yield case("in a gzip file", "a.yaml.gz", gzip.compress(f"password: {PASSWORDS[1]}\n".encode()))


def _files() -> Iterator[Case]:
    account = {
        "type": "service_account",
        "project_id": "made-up",
        "private_key_id": rnd("sa", 40, HEX),
        "private_key": pem(""),
    }
    yield case("service account", "analytics-1234.json", json.dumps(account))
    for path in (
        ".env", "conf/.env.production", "prod.env", ".netrc", ".npmrc", ".pypirc", ".aws/credentials", ".docker/config.json",
        ".kube/config", "kubeconfig", "prod.kubeconfig", "prod.tfvars", "terraform.tfstate", ".git-credentials", "id_ed25519",
        "server.key", "store.p12", "trust.jks", "kaggle.json", "client_secret_1.json", ".streamlit/secrets.toml", ".pgpass",
        ".htpasswd", "service-account.json", "application_default_credentials.json",
    ):  # fmt: skip
        yield case(f"file {path}", path, "anything: 1\n")
    user = {"users": [{"name": "me", "user": {"client-key-data": encoded(pem())}}]}
    yield case(
        "kubeconfig by content", "cluster.yaml", f"apiVersion: v1\nkind: Config\nusers: {json.dumps(user['users'])}\n"
    )
    yield case("kubeconfig with a token", "cluster.yaml", f"users:\n- name: me\n  user:\n    token: {jwt('k')}\n")
    yield case("ppk", "key.txt", "PuTTY-User-Key-" + f"File-3: ssh-ed25519\n{rnd('ppk', 60, BASE64)}\n")
    yield case("secret with symbols", "a.yaml", f"db_password: '{rnd('sym', 16, URL_SAFE + '!#%^*()')}'\n")
    yield case("aws credentials elsewhere", "cred.txt", f"aws_secret_access_key = {rnd('aws3', 40, BASE64)}\n")
    yield case("otp seed", "a.yaml", f"totp_secret: {rnd('otp', 32, UPPER)}\n")
