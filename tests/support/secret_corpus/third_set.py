# ruff: noqa: E501 - one recipe a line
"""Files that the rules had not seen when they were written: whole files, and drawn names, values and forms.

Of the first try: 238 of 257 credentials found, 4 of 177 innocents refused.
"""

from __future__ import annotations

import json
import random

from tests.support.secret_corpus.case import (
    ALNUM,
    BASE64,
    HEX,
    LOWER,
    UPPER,
    URL_SAFE,
    Case,
    case,
    encoded,
    jwt,
    pem,
    rnd,
)

# (path, text) where @NAME@ stands for the name and @VALUE@ for the value.
FORMS = (
    ("a.py", '@NAME@ = "@VALUE@"\n'),
    ("a.py", "@NAME@ = r'@VALUE@'\n"),
    ("a.py", 'import os\n\n\ndef main():\n    os.environ["@NAME@"] = "@VALUE@"\n'),
    ("a.py", 'client = Client("https://api.example.org", @NAME@="@VALUE@", timeout=3)\n'),
    ("a.py", 'settings = {\n    "host": "db",\n    "@NAME@": "@VALUE@",\n}\n'),
    ("a.py", 'class Settings:\n    @NAME@: str = "@VALUE@"\n'),
    ("a.py", 'def run(x, *, @NAME@="@VALUE@"):\n    return x\n'),
    ("c.yaml", "a:\n  b:\n    @NAME@: @VALUE@\n"),
    ("c.yaml", 'a: {x: 1, @NAME@: "@VALUE@"}\n'),
    ("c.yaml", "env:\n- {name: @NAME@, value: '@VALUE@'}\n"),
    ("c.json", '{"a": {"@NAME@": "@VALUE@", "b": 1}}\n'),
    ("c.json", '{"a":[{"key":"@NAME@","value":"@VALUE@"}]}'),
    ("c.toml", '[a.b]\n@NAME@ = "@VALUE@"\n'),
    ("c.ini", "[a]\n@NAME@ = @VALUE@\n"),
    ("c.cfg", "[a]\n@NAME@: @VALUE@\n"),
    ("c.properties", "a.b.@NAME@=@VALUE@\n"),
    ("x.sh", "export @NAME@='@VALUE@'\n"),
    ("x.sh", 'python train.py --@NAME@ "@VALUE@" --epochs 3\n'),
    ("x.sh", "python train.py --@NAME@=@VALUE@ --epochs 3\n"),
    ("main.tf", 'resource "a" "b" {\n  @NAME@ = "@VALUE@"\n}\n'),
    ("Dockerfile", "FROM python:3.12\nENV A=1 @NAME@=@VALUE@\n"),
    ("n.ipynb", '{"cells":[{"cell_type":"code","metadata":{},"outputs":[],"execution_count":null,"source":["import os\\n","@NAME@ = \'@VALUE@\'\\n","!ls"]}],"metadata":{},"nbformat":4,"nbformat_minor":5}'),
    ("n.ipynb", '{"cells":[{"cell_type":"code","metadata":{},"outputs":[],"execution_count":null,"source":["%env @NAME@=@VALUE@"]}],"metadata":{},"nbformat":4,"nbformat_minor":5}'),
    ("train.log", "2024-05-06 07:08:09 DEBUG options: host=db, @NAME@=@VALUE@, port=5432\n"),
    ("README.md", "Start it with `@NAME@=@VALUE@ python app.py`.\n"),
    ("a.js", "const options = { @NAME@: '@VALUE@', retries: 3 };\n"),
)  # fmt: skip
NAMES = (
    "password", "DB_PASSWORD", "dbPassword", "db_pass", "PGPASSWORD", "admin_pwd", "secret", "client_secret", "clientSecret", "SECRET_KEY", "api_key",
    "apiKey", "OPENAI_API_KEY", "access_token", "accessToken", "AUTH_TOKEN", "refresh_token", "GITHUB_TOKEN", "private_key", "secretAccessKey",
    "aws_secret_access_key", "bearer_token", "encryption_key", "signingKey", "passphrase", "storage_account_key", "smtp_password", "redisPassword",
    "MINIO_SECRET_KEY", "webhook_secret", "jwtSecret", "service_token", "registry_password", "login_password", "userPassword", "authkey",
)  # fmt: skip
HUMAN = (
    "Blue-Falcon_42",
    "iLoveSpa9hetti",
    "M0nday!Morning",
    "k1tchen-s1nk",
    "sw0rdf1sh!",
    "N3ptune&Mars",
    "dragonfly1987",
    "zebra_Crossing7",
    "9lives-cat",
    "Ou!Oui?Non1",
)
# What stands where a credential would, and is none.
HARMLESS = (
    "<password>", "changeme", "change_me", "your-token-here", "YOUR_API_KEY", "xxxxxxxx", "XXXX-XXXX-XXXX", "********", "...", "${PASSWORD}", "$TOKEN", "{{ token }}",
    "{{ .Values.auth.password }}", "<your-key>", "[REDACTED]", "none", "null", "REPLACE_ME", "TODO", "example", "placeholder", "dummy",
    "insert-your-key-here", "my-secret", "my-api-key", "/run/secrets/password", "/var/run/secrets/token", "secret/data/ml/db", "database-credentials",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ml/db", "projects/p/secrets/s/versions/1", "vault:kv/ml#password", "env:DB_PASSWORD",
    "true", "false", "12", "password", "token", "string", "enter-password", "%(password)s", "{password}", "file:///etc/key.pem", "db-password-secret",
)  # fmt: skip


def drawn(count: int, values: list[str], label: str) -> list[Case]:
    """Files of drawn forms, names and values."""
    generator = random.Random(f"three, {label}")
    made = []
    for index in range(count):
        (path, form), name, value = FORMS[index % len(FORMS)], generator.choice(NAMES), generator.choice(values)
        if "README" in path or path.endswith((".sh", "Dockerfile", ".log", ".ini", ".cfg", ".yaml")):
            value = (
                value
                if not set(value) & set("!&?'\"{}$ <>%[]*#") or "'@" in form or '"@' in form
                else value.strip("!&?'\"{}$ <>%[]*#")
            )
        text = form.replace("@NAME@", name).replace("@VALUE@", value.replace("&", "_") if path == "c.json" else value)
        made.append(case(f"{label}: {path} {name} {value}", path, text))
    return made


def values() -> list[str]:
    """Values as credentials have them."""
    return [
        *HUMAN,
        rnd("three hex", 32, HEX),
        rnd("three hex 40", 40, HEX),
        rnd("three hex 64", 64, HEX),
        rnd("three alnum 16", 16),
        rnd("three alnum 24", 24),
        rnd("three alnum 32", 32),
        rnd("three alnum 48", 48),
        rnd("three lower", 20, LOWER),
        rnd("three upper", 26, UPPER),
        rnd("three url safe", 43, URL_SAFE).strip("-_"),
        rnd("three base64", 43, BASE64) + "=",
        "-".join(rnd(f"three uuid {n}", n, HEX) for n in (8, 4, 4, 4, 12)),
        "-".join(rnd(f"three blocks {n}", 5, UPPER) for n in range(4)),
    ]


def secrets() -> list[Case]:
    """Files with a made-up credential each."""
    r = lambda label, length=24, alphabet=ALNUM: rnd(f"three {label}", length, alphabet)  # noqa: E731
    h = HUMAN
    texts = [
        (
            "a training script",
            "train.py",
            f'''import argparse
import mlflow
import pandas as pd
from sqlalchemy import create_engine

def load(table):
    engine = create_engine("postgresql+psycopg2://analyst:{h[3]}@warehouse.example.org:5432/ml")
    return pd.read_sql(f"select * from {{table}}", engine)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=3)
    mlflow.set_tracking_uri("https://mlflow.example.org")
    print(load("sales").shape)
''',
        ),
        (
            "an S3 helper",
            "storage.py",
            f"""import boto3

session = boto3.Session(
    aws_access_key_id="AKIA{r("ak", 16, UPPER)}",
    aws_secret_access_key="{r("sk", 40, BASE64)}",
    region_name="eu-west-1",
)
""",
        ),
        (
            "minio by position",
            "storage.py",
            f'from minio import Minio\n\nclient = Minio("minio.kubeflow:9000", "admin", "{h[2]}", secure=False)\n',
        ),
        ("s3fs", "a.py", f'fs = s3fs.S3FileSystem(key="mluser01", secret="{r("s3fs", 40, BASE64)}", client_kwargs={{}})\n'),
        (
            "polars",
            "a.py",
            f'pl.read_parquet("s3://b/k", storage_options={{"aws_access_key_id": "x", "aws_secret_access_key": "{r("pl", 40, BASE64)}"}})\n',
        ),
        ("duckdb", "a.py", f"con.execute(\"CREATE SECRET s (TYPE S3, KEY_ID 'AKx', SECRET '{r('duck', 40, BASE64)}')\")\n"),
        ("duckdb set", "a.py", f"con.sql(\"SET s3_secret_access_key='{r('duck2', 40, BASE64)}'\")\n"),
        ("sql in python", "a.py", f"cur.execute(\"ALTER USER ml WITH PASSWORD '{h[1]}'\")\n"),
        ("mysql", "a.sql", f"SET PASSWORD FOR 'ml'@'%' = PASSWORD('{h[0]}');\n"),
        ("mysql create", "a.sql", f"CREATE USER 'ml'@'localhost' IDENTIFIED WITH mysql_native_password BY '{h[2]}';\n"),
        ("grant", "a.sql", f"GRANT ALL ON *.* TO 'ml'@'%' IDENTIFIED BY '{h[4]}';\n"),
        ("requests header token", "a.py", f'requests.get(u, headers={{"Authorization": "token {r("tok", 40, HEX)}"}})\n'),
        ("requests header apikey", "a.py", f'requests.get(u, headers={{"Authorization": "ApiKey {encoded(r("ak1", 20) + ":" + r("ak2", 22))}"}})\n'),
        ("requests params", "a.py", f'requests.get(u, params={{"q": "x", "appid": "1", "api_key": "{r("params", 32, HEX)}"}})\n'),
        ("requests data", "a.py", f'requests.post(u, data={{"grant_type": "password", "username": "ml", "password": "{h[5]}"}})\n'),
        ("grpc metadata", "a.py", f'metadata = [("authorization", "Bearer {r("grpc", 40)}")]\n'),
        ("header tuple list", "a.py", f'headers = [("x-api-key", "{r("tuple", 32)}")]\n'),
        ("cookies", "a.py", f'requests.get(u, cookies={{"session_token": "{r("ck", 40)}"}})\n'),
        ("websocket", "a.py", f'ws.connect("wss://x.example.org/feed?token={r("wss", 36)}")\n'),
        ("selenium", "a.py", f'driver.find_element(By.ID, "password").send_keys("{h[6]}")\n'),
        ("pexpect", "a.py", f'child.expect("Password:")\nchild.sendline("{h[3]}")\n'),
        ("paramiko key", "a.py", f'key = paramiko.RSAKey.from_private_key(io.StringIO("""{pem()}"""))\n'),
        ("pgp passphrase", "a.py", f'gpg.decrypt(data, passphrase="{h[7]}")\n'),
        ("cryptography", "a.py", f'load_pem_private_key(data, password=b"{h[4]}")\n'),
        ("pbkdf2", "a.py", f'hashlib.pbkdf2_hmac("sha256", password=b"{h[5]}", salt=salt, iterations=1)\n'),
        ("itsdangerous", "a.py", f'signer = URLSafeSerializer(secret_key="{r("its", 32)}")\n'),
        ("jose", "a.py", f'SECRET = "{r("jose", 64, HEX)}"\njwt.encode({{"a": 1}}, SECRET, "HS256")\n'),
        ("gspread", "a.py", f'creds = {{"type": "service_account", "private_key_id": "{r("gs", 40, HEX)}", "private_key": {json.dumps(pem(""))}}}\n'),
        ("google maps", "a.py", f'gmaps = googlemaps.Client(key="AIza{r("maps", 35, URL_SAFE)}")\n'),
        ("tweepy", "a.py", f'tweepy.OAuth1UserHandler("{r("t1", 25)}", "{r("t2", 50)}", access_token="9{r("t3", 49)}", access_token_secret="{r("t4", 45)}")\n'),
        ("praw", "a.py", f'praw.Reddit(client_id="x", client_secret="{r("praw", 27, URL_SAFE)}", user_agent="y")\n'),
        ("twilio", "a.py", f'client = TwilioClient("AC{r("tw1", 32, HEX)}", auth_token="{r("tw2", 32, HEX)}")\n'),
        ("slack sdk", "a.py", f'WebClient(token="xoxb-{r("sl1", 12, "0123456789")}-{r("sl2", 12, "0123456789")}-{r("sl3", 24)}")\n'),
        ("telegram", "a.py", f'bot = telebot.TeleBot("6{r("tg1", 9, "0123456789")}:AAH{r("tg2", 32, URL_SAFE)}")\n'),
        ("discord", "a.py", f'bot.run("OD{r("ds1", 22)}.G{r("ds2", 5)}.{r("ds3", 38, URL_SAFE)}")\n'),
        ("wandb", "a.py", f'wandb.login(key="{r("wb", 40, HEX)}", relogin=True)\n'),
        ("wandb positional", "a.sh", f"wandb login {r('wb2', 40, HEX)}\n"),
        ("huggingface cli", "a.sh", f"huggingface-cli login --token hf_{r('hf', 34)} --add-to-git-credential\n"),
        ("hf use_auth_token", "a.py", f'load_dataset("org/private", use_auth_token="hf_{r("hf2", 34)}")\n'),
        ("kaggle env", "a.sh", f"KAGGLE_USERNAME=ml KAGGLE_KEY={r('kg', 32, HEX)} kaggle datasets list\n"),
        ("databricks cli", "a.sh", f"databricks configure --token <<< 'dapi{r('db', 32, HEX)}'\n"),
        ("snowflake url", "a.py", f'create_engine("snowflake://ml:{h[3]}@xy123.eu-central-1/db/schema?warehouse=w")\n'),
        ("redshift", "a.py", f'redshift_connector.connect(host="h", database="d", user="u", password="{h[8]}")\n'),
        ("bigquery", "a.py", f'bigquery.Client.from_service_account_info({{"private_key": {json.dumps(pem(""))}, "client_email": "x@y.iam"}})\n'),
        ("trino", "a.py", f'trino.auth.BasicAuthentication("ml", "{h[0]}")\n'),
        ("ray", "a.py", f'ray.init(address="auto", _redis_password="{r("ray", 32, HEX)}")\n'),
        ("dask", "a.py", f'Client("gateway://h", auth=BasicAuth("ml", "{h[1]}"))\n'),
        ("celery", "a.py", f'app = Celery(broker="redis://:{h[3]}@r:6379/0", backend="rpc://")\n'),
        ("pika", "a.py", f'pika.PlainCredentials("ml", "{h[4]}")\n'),
        ("paho", "a.py", f'client.username_pw_set("ml", "{h[5]}")\n'),
        ("nats", "a.py", f'await nats.connect("nats://ml:{h[3]}@n:4222")\n'),
        ("langchain", "a.py", f'ChatOpenAI(openai_api_key="sk-proj-{r("lc", 80, URL_SAFE)}", model="x")\n'),
        ("anthropic", "a.py", f'anthropic.Anthropic(api_key="sk-ant-api03-{r("an", 93, URL_SAFE)}AA")\n'),
        ("azure openai", "a.py", f'AzureOpenAI(azure_endpoint="https://x", api_key="{r("aoai", 32, HEX)}", api_version="2024-02-01")\n'),
        ("azure credential", "a.py", f'AzureKeyCredential("{r("akc", 52, URL_SAFE)}")\n'),
        ("client secret credential", "a.py", f'ClientSecretCredential("{r("tid", 8, HEX)}-0000-0000-0000-000000000000", "cid", "{r("csc", 3)}8Q~{r("csc2", 34, URL_SAFE)}")\n'),
        ("blob connection", "a.py", f'BlobServiceClient.from_connection_string("DefaultEndpointsProtocol=https;AccountName=ml;AccountKey={r("bc", 86, BASE64)}==")\n'),
        ("blob credential", "a.py", f'BlobServiceClient(account_url="https://x.blob.core.windows.net", credential="{r("bcr", 86, BASE64)}==")\n'),
        ("weaviate", "a.py", f'weaviate.auth.AuthApiKey("{r("wv", 36)}")\n'),
        ("pinecone", "a.py", f'Pinecone(api_key="{"-".join(r(f"pc {n}", n, HEX) for n in (8, 4, 4, 4, 12))}")\n'),
        ("qdrant", "a.py", f'QdrantClient(url="https://x", api_key="{r("qd", 54, URL_SAFE)}")\n'),
        ("sentry dsn pair", "a.py", f'sentry_sdk.init(dsn="https://{r("sd", 32, HEX)}:{r("sd2", 32, HEX)}@o1.ingest.sentry.io/2")\n'),
        ("kfp client", "a.py", f'kfp.Client(host="https://kf.example.org", existing_token="{jwt("three kfp")}")\n'),
        ("kfp cookies", "a.py", f'kfp.Client(host="https://kf", cookies="authservice_session={r("as", 80, URL_SAFE)}")\n'),
        ("dex login", "a.py", f'session.post(url, data={{"login": "me@example.org", "password": "{h[6]}"}})\n'),
        ("feast", "feature_store.yaml", f"online_store:\n  type: redis\n  connection_string: redis:6379,password={h[3]}\n"),
        ("redis cli", "a.sh", f"redis-cli -h r -a {h[3]} ping\n"),
        ("mongosh", "a.sh", f"mongosh -u ml -p {h[8]} --authenticationDatabase admin\n"),
        ("ldapsearch", "a.sh", f"ldapsearch -D cn=admin -w {h[8]} -b dc=x\n"),
        ("openssl", "a.sh", f"openssl enc -aes-256-cbc -pass pass:{h[3]} -in a -out b\n"),
        ("zip -P", "a.sh", f"zip -P {h[3]} a.zip data.csv\n"),
        ("smbclient", "a.sh", f"smbclient //srv/share -U ml%{h[8]}\n"),
        ("oc login", "a.sh", f"oc login --token=sha256~{r('oc', 43, URL_SAFE)} --server=https://api.x:6443\n"),
        ("vault login", "a.sh", f"vault login hvs.{r('vl', 90)}\n"),
        ("gh auth", "a.sh", f"echo ghp_{r('gh', 36)} | gh auth login --with-token\n"),
        ("twine", "a.sh", f"twine upload -u __token__ -p pypi-AgEIcHlwaS5vcmc{r('twine', 90, URL_SAFE)} dist/*\n"),
        ("npm config", "a.sh", f"npm config set //npm.internal/:_authToken=npm_{r('npm', 36)}\n"),
        ("pip index", "a.sh", f"pip install --extra-index-url https://ml:{h[3]}@nexus.example.org/simple pkg\n"),
        ("poetry config", "a.sh", f"poetry config http-basic.private ml {h[8]}\n"),
        ("git credential", ".git-credentials", f"https://ml:{h[3]}@github.com\n"),
        ("git extraheader", "config", f"[http \"https://github.com/\"]\n\textraheader = AUTHORIZATION: basic {encoded('x-access-token:ghs_' + r('ge', 36))}\n"),
        ("curl data", "a.sh", f"""curl -d '{{"username": "ml", "password": "{h[6]}"}}' https://x.example.org/login\n"""),
        ("curl form", "a.sh", f"curl -d 'client_id=x&client_secret={r('cf', 40)}' https://x.example.org/token\n"),
        ("curl cookie", "a.sh", f"curl --cookie 'session={r('cc', 64, HEX)}' https://x.example.org\n"),
        ("curl user long", "a.sh", f"curl --user 'ml:{h[2]}' https://x.example.org\n"),
        ("curl bearer", "a.sh", f"curl --oauth2-bearer {r('cb', 40)} https://x.example.org\n"),
        ("kubectl", "a.sh", f"kubectl --token={jwt('three kubectl')} get pods\n"),
        ("kubectl docker", "a.sh", f"kubectl create secret docker-registry r --docker-username=ml --docker-password={h[8]}\n"),
        ("k8s secret list", "s.yaml", f"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  data:\n    conn: {encoded('postgres://ml:' + h[3] + '@db')}\n"),
        ("dockerconfigjson", "s.yaml", f"kind: Secret\ntype: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: {encoded(json.dumps({'auths': {'r': {'auth': encoded('ml:' + h[0])}}}))}\n"),
        ("config map", "cm.yaml", f"kind: ConfigMap\ndata:\n  app.ini: |\n    [db]\n    password = {h[3]}\n"),
        ("helm nested", "values.yaml", f"global:\n  postgresql:\n    auth:\n      postgresPassword: \"{h[9]}\"\n      database: ml\n"),
        ("argocd", "app.yaml", f"helm:\n  parameters:\n  - name: db.password\n    value: {h[8]}\n"),
        ("grafana", "grafana.ini", f"[security]\nadmin_user = admin\nadmin_password = {h[3]}\n"),
        ("prometheus", "prom.yml", f"basic_auth:\n  username: ml\n  password: {h[8]}\n"),
        ("alertmanager", "am.yml", f"slack_api_url: https://hooks.slack.com/services/T{r('am1', 8, UPPER)}/B{r('am2', 10, UPPER)}/{r('am3', 24)}\n"),
        ("ansible", "group_vars.yml", f"ansible_become_pass: {h[3]}\nansible_ssh_pass: {h[8]}\n"),
        ("ansible inventory", "hosts.ini", f"[gpu]\nnode1 ansible_user=ml ansible_password={h[3]}\n"),
        ("terraform provider", "p.tf", f'provider "aws" {{\n  access_key = "AKIA{r("tf", 16, UPPER)}"\n  secret_key = "{r("tf2", 40, BASE64)}"\n}}\n'),
        ("terraform state", "terraform.tfstate", json.dumps({"resources": [{"type": "random_password", "instances": [{"attributes": {"result": r("tfs", 20)}}]}]})),
        ("pulumi", "Pulumi.dev.yaml", f"config:\n  aws:secretKey: {r('pul', 40, BASE64)}\n"),
        ("vagrant", "Vagrantfile", f"config.ssh.password = '{h[8]}'\n"),
        ("wpa", "wpa_supplicant.conf", f'network={{\n  ssid="lab"\n  psk="{h[0]}"\n}}\n'),
        ("vpn", "vpn.conf", f"auth-user-pass\nusername ml\npassword {h[3]}\n"),
        ("jupyter", "jupyter_server_config.py", f'c.ServerApp.token = "{r("jup", 48, HEX)}"\nc.ServerApp.password = ""\n'),
        ("jupyter url", "x.txt", f"http://localhost:8888/?token={r('ju', 48, HEX)}\n"),
        ("code comment", "a.py", f"# TODO remove: login with admin / {h[8]}, password: {h[8]}\nx = 1\n"),
        ("commented code", "a.py", f'# client = connect(user="ml", password="{h[3]}")\nx = 1\n'),
        ("dead string", "a.py", f'"""\nclient = connect(user="ml", password="{h[3]}")\n"""\n'),
        ("html form", "a.html", f'<input type="password" name="password" value="{h[3]}">\n'),
        ("html js", "a.html", f'<script>var apiKey = "{r("hjs", 39)}";</script>\n'),
        ("spreadsheet text", "x.csv", f"service,login,password\ncrm,ml,{h[3]}\nerp,ml,{h[5]}\n"),
        ("json pairs of arrays", "x.json", json.dumps({"columns": ["user", "password"], "data": [["ml", h[3]]]})),
        ("chat log", "chat.txt", f"alice: the db password is {h[3]}\nbob: thanks\n"),
        ("mail", "mail.txt", f"Dear all,\n\nyour new password: {h[8]}\nPlease change it.\n"),
        ("two keys in one line", "a.txt", f"key id AKIA{r('two', 16, UPPER)} secret {r('two2', 40, BASE64)}\n"),
        ("escaped json in yaml", "c.yaml", "config: " + json.dumps(json.dumps({"password": h[3]})) + "\n"),
        ("json in a python string", "a.py", f"""conf = json.loads('{{"user": "ml", "password": "{h[3]}"}}')\n"""),
        ("yaml in a python string", "a.py", f'conf = yaml.safe_load("""\ndb:\n  password: {h[3]}\n""")\n'),
        ("shell in a python string", "a.py", f'subprocess.run("export PGPASSWORD={h[3]}; psql -h db", shell=True)\n'),
        ("list of arguments", "a.py", f'subprocess.run(["mysql", "--user=ml", "--password={h[3]}"])\n'),
        ("list of arguments apart", "a.py", f'subprocess.run(["tool", "--token", "{r("loa", 32)}"])\n'),
        ("env of a process", "a.py", f'subprocess.run(cmd, env={{**os.environ, "VAULT_TOKEN": "{r("eop", 26)}"}})\n'),
        ("container env list", "a.py", f'V1EnvVar(name="DB_PASSWORD", value="{h[3]}")\n'),
        ("task env", "a.py", f'task.set_env_variable("DB_PASSWORD", "{h[3]}")\n'),
        ("task env keywords", "a.py", f'task.set_env_variable(name="API_TOKEN", value="{r("tek", 32)}")\n'),
        ("component argument", "a.py", f'load(url="https://x", password="{h[3]}").set_caching_options(False)\n'),
    ]  # fmt: skip
    return [case(*text) for text in texts] + drawn(130, values(), "drawn")


def innocents() -> list[Case]:
    """Files that only look like credentials."""
    r = lambda label, length=24, alphabet=ALNUM: rnd(f"three innocent {label}", length, alphabet)  # noqa: E731
    texts = [
        (
            "a component",
            "train.py",
            '''from fairing_kfp import component

@component(packages=["scikit-learn"], secrets={"DB_PASSWORD": "database/password", "API_TOKEN": "api/token"})
def train(rows: int, table: str) -> float:
    """Train on the rows of a table. The password of the database comes from the Secret `database`."""
    import os
    password = os.environ["DB_PASSWORD"]
    engine = connect(f"postgresql://ml:{password}@db/ml", token=os.environ["API_TOKEN"])
    return fit(engine, rows)
''',
        ),
        (
            "a settings class",
            "settings.py",
            """class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="APP_", secrets_dir="/run/secrets")
    database_password: SecretStr
    api_key: SecretStr | None = Field(None, alias="APP_API_KEY")
    token_ttl: int = 3600
    token_algorithm: str = "HS256"
    password_policy: Literal["strict", "relaxed"] = "strict"
""",
        ),
        (
            "a tokenizer",
            "tok.py",
            """class Tokenizer:
    PAD_TOKEN = "<pad>"
    unk_token: str = "<unk>"
    def __init__(self, sep_token="[SEP]", cls_token="[CLS]", token_delimiter=" ", key_sep="::"):
        self.token_to_id = {"<pad>": 0, "<unk>": 1, "password": 2}
        self.tokens = "the quick brown fox".split()
        self.start_token, self.end_token = "<start>", "<end>"
""",
        ),
        (
            "a model server",
            "app.py",
            """security = HTTPBearer(auto_error=False)
API_KEY_NAME = "X-API-KEY"
api_key_header = APIKeyHeader(name=API_KEY_NAME, auto_error=True)
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token", scopes={"read": "Read models"})
def check(token: str = Depends(oauth2_scheme)):
    if not secrets.compare_digest(token, os.environ["SERVER_TOKEN"]):
        raise HTTPException(401, "Invalid token", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
""",
        ),
        (
            "a login form",
            "login.tsx",
            """const [password, setPassword] = useState("");
<label>Password<input type="password" value={password} onChange={e => setPassword(e.target.value)} placeholder="at least 12 characters" /></label>
<Trans id="login.password.forgotten">Forgot password?</Trans>
const res = await fetch("/api/login", { method: "POST", body: JSON.stringify({ user, password }), headers: { Authorization: `Bearer ${token}` } });
""",
        ),
        (
            "a deployment",
            "deploy.yaml",
            f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: api, annotations: {{checksum/config: {r("cc", 64, HEX)}}}}}
spec:
  template:
    spec:
      serviceAccountName: api-token-reader
      imagePullSecrets: [{{name: regcred}}]
      containers:
      - name: api
        image: registry.example.org/api@sha256:{r("img", 64, HEX)}
        env:
        - name: DB_PASSWORD
          valueFrom: {{secretKeyRef: {{name: database, key: password}}}}
        - name: TOKEN_FILE
          value: /var/run/secrets/tokens/api
        - name: DB_PASSWORD_SECRET
          value: database-login
""",
        ),
        (
            "a compose file",
            "compose.yaml",
            "services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_PASSWORD: ${DB_PASSWORD:?set it}\n    secrets: [db_password]\nsecrets:\n  db_password:\n    file: ./db_password.txt\n",
        ),
        (
            "a workflow",
            "ci.yaml",
            "jobs:\n  test:\n    steps:\n    - uses: docker/login-action@v3\n      with:\n        registry: ghcr.io\n        username: ${{ github.actor }}\n        password: ${{ secrets.GITHUB_TOKEN }}\n    - run: pytest --token-limit=100\n      env: {API_KEY: '${{ secrets.API_KEY }}', CODECOV_TOKEN: \"${{ secrets.CODECOV }}\"}\n",
        ),
        (
            "a readme",
            "README.md",
            """# Service

Set `API_KEY` to the key of the service and `DB_PASSWORD` to the password of the database:

```sh
export API_KEY=<your key>
export DB_PASSWORD="$(pass show db)"
docker run -e API_KEY -e DB_PASSWORD=... image
psql postgresql://user:password@localhost:5432/app
curl -H "X-API-Key: $API_KEY" -u user:password http://localhost:8000/v1
```

The token is valid for an hour. Password: see the vault. Secret keys have 32 bytes.
""",
        ),
        (
            "a test of a client",
            "test_client.py",
            """def test_login(client, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "token")
    client.login(username="user", password="password")
    assert client.token == "token"
    assert mask("hunter") == "***"
    with pytest.raises(AuthError, match="wrong password"):
        client.login(username="user", password="wrong")
""",
        ),
        ("a lock file", "uv.lock", f"[[package]]\nname = \"keyring\"\nversion = \"25.2.1\"\nsource = {{ registry = \"https://pypi.example.org/simple\" }}\nwheels = [\n    {{ url = \"https://files.example.org/{r('lk', 60, HEX)}/keyring-25.2.1-py3-none-any.whl\", hash = \"sha256:{r('lk2', 64, HEX)}\", size = 38530 }},\n]\n"),
        ("a conda file", "environment.yml", "channels: [conda-forge]\ndependencies:\n- python=3.12\n- secretstorage\n- tokenizers=0.19.1=py312h4b3b743_0\n- pip: [keyrings.alt]\n"),
        ("a pipfile lock", "Pipfile.lock", json.dumps({"_meta": {"hash": {"sha256": r("pf", 64, HEX)}}, "default": {"tokenizers": {"hashes": ["sha256:" + r("pf2", 64, HEX)], "version": "==0.19"}}})),
        ("a yarn lock", "yarn.lock", f'keyv@^4.0.0:\n  version "4.5.4"\n  resolved "https://registry.yarnpkg.com/keyv/-/keyv-4.5.4.tgz#{r("yl", 40, HEX)}"\n  integrity sha512-{r("yl2", 86, BASE64)}==\n'),
        ("a manifest", "MANIFEST.json", json.dumps({"files": [{"path": "secrets.csv", "md5": r("mf", 32, HEX), "key": "ab/cd/" + r("mf2", 30, HEX)}]})),
        ("a record", "RECORD", f"keyring/__init__.py,sha256={r('rec', 43, URL_SAFE)},123\ntoken/secret.py,sha256={r('rec2', 43, URL_SAFE)},45\n"),
        ("a config of a model", "config.json", json.dumps({"architectures": ["LlamaForCausalLM"], "bos_token_id": 128000, "eos_token_id": [128001, 128009], "num_key_value_heads": 8, "pad_token_id": None, "tie_word_embeddings": False, "key_dim": 64})),
        ("generation config", "generation_config.json", json.dumps({"forced_bos_token_id": None, "max_new_tokens": 512, "suppress_tokens": [1, 2], "decoder_start_token_id": 50258})),
        ("a tokenizer file", "tokenizer.json", json.dumps({"added_tokens": [{"id": 0, "content": "<s>", "special": True}], "model": {"type": "BPE", "vocab": {"key": 1, "secret": 2, "Ġpassword": 3, "Ã©tÃ©": 4}, "merges": ["p a", "ss word"]}})),
        ("sentencepiece vocab", "spm.vocab", "<unk>\t0\n▁password\t-9.2\n▁token\t-8.1\nsecretary\t-10.5\n"),
        ("a chat template", "template.jinja", "{% for message in messages %}{{ '<|im_start|>' + message['role'] + bos_token }}{% endfor %}{{ eos_token }}\n"),
        ("a prompt", "prompt.txt", "You are an assistant. Never reveal a password, token or API key: answer 'I cannot do that' instead.\n"),
        ("a grammar", "lexer.py", 'TOKENS = [("NUMBER", r"\\d+(\\.\\d*)?"), ("STRING", r"\'[^\']*\'"), ("KEYWORD", "select|from|where")]\ntoken_specification = TOKENS\n'),
        ("an AST", "ast_tool.py", 'if token.type == tokenize.NAME and token.string == "password":\n    yield token.start\n'),
        ("a parser", "parse.py", 'key, _, value = line.partition("=")\nif key.lower() in {"password", "secret", "token", "api_key"}:\n    value = "***"\n'),
        ("a masking filter", "mask.py", 'SENSITIVE = re.compile(r"(password|token|api[_-]?key)=([^&\\s]+)", re.I)\nSENSITIVE.sub(r"\\1=***", text)\n'),
        ("a feature store", "features.yaml", "entities:\n- name: customer\n  join_keys: [customer_id]\nfeature_views:\n- name: password_resets_30d\n  ttl: 86400s\n  tags: {secret_level: internal}\n"),
        ("great expectations", "suite.json", json.dumps({"expectations": [{"expectation_type": "expect_column_values_to_match_regex", "kwargs": {"column": "api_key", "regex": "^[a-f0-9]{32}$"}}]})),
        ("dbt", "profiles.yml", "x:\n  outputs:\n    dev:\n      type: postgres\n      password: \"{{ env_var('DB_PASSWORD') }}\"\n      keepalives_idle: 0\n"),
        ("airflow", "dag.py", 'PostgresOperator(task_id="load", postgres_conn_id="warehouse", sql="select password_hash from users")\nHttpHook(http_conn_id="api", token_key="access_token")\n'),
        ("spark", "job.py", 'df.groupBy("user_key").count()\nspark.conf.set("spark.sql.adaptive.enabled", "true")\nspark.conf.set("fs.s3a.aws.credentials.provider", "com.amazonaws.auth.DefaultAWSCredentialsProviderChain")\n'),
        ("pyspark secrets", "job.py", 'spark.conf.set("fs.azure.account.key.ml.dfs.core.windows.net", dbutils.secrets.get("scope", "storage-key"))\n'),
        ("torch", "net.py", 'self.key_embed = nn.Embedding(1000, 64)\nattn_output, attn_weights = self.attn(query, key, value, key_padding_mask=mask)\nstate["model.token_embedding.weight"]\n'),
        ("jax", "net.py", 'key = jax.random.PRNGKey(seed)\nkeys = jax.random.split(key, num=3)\nparams = init({"params": keys[0], "dropout": keys[1]}, x)\n'),
        ("sklearn", "fit.py", 'TfidfVectorizer(token_pattern=r"(?u)\\b\\w+\\b", tokenizer=str.split, analyzer="word")\nparams["vectorizer__token_pattern"] = r"[a-z]+"\n'),
        ("spacy", "nlp.py", 'for token in doc:\n    print(token.text, token.pos_, token.dep_)\nmatcher.add("SECRET", [[{"LOWER": "secret"}, {"LOWER": "key"}]])\n'),
        ("s3", "s3.py", 's3.get_object(Bucket="ml-data-eu", Key="train/2024-05-06/part-00000.snappy.parquet")\ns3.put_object(Bucket=b, Key=f"models/{run_id}/model.pkl")\n'),
        ("redis", "cache.py", 'r.set("user:1:token_count", 3)\nr.get(key="features:customer:42")\nredis.Redis.from_url(os.environ["REDIS_URL"])\n'),
        ("kafka", "events.py", 'producer.send("topic", key=b"customer-42", value=payload)\nconf = {"key.serializer": "org.apache.kafka.common.serialization.StringSerializer", "sasl.mechanism": "SCRAM-SHA-512"}\n'),
        ("kafka properties", "consumer.properties", "key.deserializer=org.apache.kafka.common.serialization.StringDeserializer\nssl.keystore.location=/etc/kafka/keystore.jks\nssl.keystore.password=${file:/etc/kafka/pw:keystore}\nsasl.jaas.config=${env:JAAS}\n"),
        ("spring", "application.yml", "spring:\n  datasource:\n    url: jdbc:postgresql://${DB_HOST}:5432/app\n    username: ${DB_USER}\n    password: ${DB_PASSWORD:}\n  security.oauth2.resourceserver.jwt.issuer-uri: https://issuer.example.org\n"),
        ("log4j", "app.log", "INFO  TokenService - issued token for user 42 (expires in 3600 s)\nWARN  Password expired for user 7\nINFO  key=customer_id secret=false\n"),
        ("pip log", "pip.log", "Looking in indexes: https://pypi.example.org/simple, https://****@nexus.example.org/simple\nCollecting tokenizers>=0.19\n"),
        ("a traceback", "err.txt", 'Traceback (most recent call last):\n  File "/app/auth.py", line 12, in login\n    raise AuthError("bad password: 3 attempts left")\nAuthError: bad password: 3 attempts left\n'),
        ("a changelog", "CHANGELOG.md", "- Fix: token refresh (#1234)\n- `password=` is deprecated, use `credentials=`\n- Add --api-key and --secret-name options\n- security: rotate secrets, 9f8e7d6c5b4a3928\n"),
        ("a man page", "tool.1.txt", "-p, --password PASSWORD\n    The password (default: prompt). See also --password-file FILE.\n--token TOKEN   API token; default: $TOOL_TOKEN\n--key KEY       sort key (default: name)\n"),
        ("cli help", "cli.py", '@app.command()\ndef push(token: str = typer.Option(None, envvar="TOKEN", help="The token", show_default=False), secret: Optional[str] = None): ...\n'),
        ("an http trace", "trace.txt", "> GET /v2/ HTTP/1.1\n> Authorization: Bearer <redacted>\n< WWW-Authenticate: Bearer realm=\"https://auth.example.org/token\",service=\"registry\",scope=\"repository:a/b:pull\"\n"),
        ("an openapi", "openapi.json", json.dumps({"components": {"securitySchemes": {"key": {"type": "apiKey", "name": "api_key", "in": "header"}}, "schemas": {"Login": {"properties": {"password": {"type": "string", "format": "password", "example": "password"}}}}}})),
        ("a helm chart", "values.yaml", "auth:\n  # -- Name of an existing Secret with keys `password` and `token`\n  existingSecret: \"\"\n  existingSecretPasswordKey: admin-password\n  password: \"\"\n  usePasswordFiles: true\n  secretKeys: {adminPasswordKey: postgres-password, userPasswordKey: password}\n"),
        ("a helm template", "secret.yaml", 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ include "app.fullname" . }}\ndata:\n  password: {{ .Values.password | b64enc | quote }}\n  token: {{ randAlphaNum 32 | b64enc }}\n'),
        ("crossplane", "xr.yaml", "spec:\n  writeConnectionSecretToRef: {name: db-conn, namespace: ml}\n  passwordSecretRef: {name: db, key: password, namespace: ml}\n"),
        ("cert manager", "cert.yaml", "spec:\n  secretName: tls-api\n  privateKey: {algorithm: ECDSA, size: 256, rotationPolicy: Always}\n  keystores: {pkcs12: {create: true, passwordSecretRef: {name: ks, key: password}}}\n"),
        ("argo workflow", "wf.yaml", "artifactRepository:\n  s3:\n    accessKeySecret: {name: mlpipeline-minio-artifact, key: accesskey}\n    secretKeySecret: {name: mlpipeline-minio-artifact, key: secretkey}\n"),
        ("kserve", "isvc.yaml", "metadata:\n  annotations: {serving.kserve.io/s3-endpoint: minio:9000, serving.kserve.io/secretKey: AWS_SECRET_ACCESS_KEY}\nspec: {predictor: {serviceAccountName: sa-secret-reader}}\n"),
        ("a network policy", "np.yaml", "spec:\n  podSelector: {matchLabels: {app: token-server}}\n  ingress: [{ports: [{port: 8443}]}]\n"),
        ("terraform module", "main.tf", 'module "db" {\n  password = module.vault.db_password\n  master_password_secret_arn = aws_secretsmanager_secret.db.arn\n  key_name = "deploy"\n  kms_key_id = aws_kms_key.main.key_id\n}\nresource "random_password" "db" {\n  length = 24\n}\n'),
        ("a makefile", "Makefile", "TOKEN ?= $(shell cat token.txt)\nDB_PASSWORD ?=\nexport API_KEY\npush:\n\t@docker login -u $(USER) --password-stdin < token.txt\n"),
        ("a shell library", "lib.sh", 'password=""\nwhile getopts "p:t:" opt; do case $opt in p) password=$OPTARG ;; t) token="$OPTARG" ;; esac; done\n: "${API_KEY:?API_KEY is required}"\nsecret=$(aws secretsmanager get-secret-value --secret-id ml/db --query SecretString --output text)\n'),
        ("a powershell", "run.ps1", '$token = $env:API_TOKEN\n$password = Read-Host -AsSecureString "Password"\n$cred = Get-Credential -UserName ml\n'),
        ("a go file", "main.go", 'token := os.Getenv("API_TOKEN")\nif token == "" { log.Fatal("API_TOKEN is not set") }\nreq.Header.Set("Authorization", "Bearer "+token)\nconst passwordKey = "password"\n'),
        ("a java file", "A.java", '@Value("${db.password}") private String password;\nprivate static final String TOKEN_HEADER = "X-Auth-Token";\nString key = "customer.name";\n'),
        ("a C header", "a.h", '#define KEY_ESCAPE 27\n#define TOKEN_MAX 1024\n#define PASSWORD_PROMPT "Password: "\ntypedef enum { TOKEN_EOF, TOKEN_IDENT } token_t;\n'),
        ("sql queries", "q.sql", "SELECT token, password_hash FROM sessions WHERE api_key = :api_key AND secret = ?;\nINSERT INTO users (name, password) VALUES (:name, crypt(:password, gen_salt('bf')));\n"),
        ("a bibliography", "refs.bib", "@inproceedings{vaswani2017attention, keywords = {attention, tokens, keys}, title = {Attention Is All You Need}}\n"),
        ("a dataset", "intents.csv", "utterance,intent\nI forgot my password,reset_password\nmy token does not work,token_issue\n\"password: how do I change it?\",reset_password\n"),
        ("a data sheet", "devices.csv", f"device_key,mac,checksum\nsensor-0017,00:1B:44:11:3A:B7,{r('ds', 8, HEX)}\nsensor-0018,00:1B:44:11:3A:B8,{r('ds2', 8, HEX)}\n"),
        ("a geojson", "a.geojson", json.dumps({"type": "Feature", "id": r("geo", 24, HEX), "properties": {"key": "highway", "token": None}, "geometry": {"type": "Point", "coordinates": [1.5, 2.5]}})),
        ("a notebook", "n.ipynb", json.dumps({"cells": [{"cell_type": "code", "id": r("cell", 8, HEX), "metadata": {}, "execution_count": 2, "source": ["from getpass import getpass\n", "token = getpass('token')\n", "!pip install -q transformers\n", "model = load('org/model', token=token)\n"], "outputs": [{"output_type": "stream", "name": "stdout", "text": ["token length: 37\n", "Epoch 1: loss=0.31, tokens/s=1234\n", "Token is valid (permission: read).\n"]}]}], "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5})),
        ("pem public in yaml", "c.yaml", f"jwt_public_key: |\n  -----BEGIN PUBLIC KEY-----\n  {r('pub', 64, BASE64)}\n  -----END PUBLIC KEY-----\n"),
        ("public keys", "keys.json", json.dumps({"ssh_public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + r("sshp", 43, BASE64), "publicKey": r("wgp", 43, BASE64) + "="})),
        ("fingerprints", "hosts.txt", f"SHA256:{r('fpr', 43, BASE64)} host (ED25519)\nMD5:{':'.join(r(f'fp {n}', 2, HEX) for n in range(16))}\n"),
        ("ids", "ids.yaml", f"client_id: {r('cli', 20, LOWER)}.apps.googleusercontent.com\naccount_id: '123456789012'\nproject_key: MLOPS\nsubscription_id: 00000000-0000-0000-0000-000000000000\n"),
    ]  # fmt: skip
    return [case(*text) for text in texts] + drawn(104, list(HARMLESS), "harmless")
