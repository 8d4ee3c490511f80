# ruff: noqa: E501 - one recipe a line
"""Files that the rules had not seen when they were written: what an attacker of the gate and an operator would try.

Of the first try: 174 of 197 credentials found, 5 of 134 innocents refused.
"""

from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile
from collections import OrderedDict
from pathlib import PurePosixPath

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

WORDS = (
    "Spring.Rain:88",
    "c0ffeeTime!",
    "Kuh-Glocke_3",
    "myDogRex2011",
    "L0ng&Winding",
    "abc!DEF-456",
    "whiskey7tango",
    "Zug=nach9Bonn",
)


def cells(*sources: str) -> str:
    """A notebook of code cells."""
    made = [
        {"cell_type": "code", "metadata": {}, "source": s.splitlines(True), "outputs": [], "execution_count": 1}
        for s in sources
    ]
    return json.dumps(
        {"cells": made, "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    )


def output(**data: object) -> str:
    """A notebook with an output."""
    made = {"cell_type": "code", "metadata": {}, "source": ["x"], "execution_count": 1, "outputs": [data]}
    return json.dumps({"cells": [made], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def zipped(name: str, text: str) -> bytes:
    """An archive of one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def secrets() -> list[Case]:
    """Files with a made-up credential each."""
    w = WORDS
    r = lambda label, length=24, alphabet=ALNUM: rnd(f"five {label}", length, alphabet)  # noqa: E731
    uid = "-".join(r(f"uid {n}", n, HEX) for n in (8, 4, 4, 4, 12))
    texts = [
        ("continued string", "a.py", f'password = "{w[0][:6]}" \\\n    "{w[0][6:]}x9"\n'),
        ("parenthesized", "a.py", f'token = (\n    "{r("par1", 20)}"\n    "{r("par2", 20)}"\n)\n'),
        ("chained assignment", "a.py", f'password = admin_password = "{w[1]}"\n'),
        ("star", "a.py", f'user, *rest, password = "a", "b", "{w[2]}"\n'),
        ("global statement", "a.py", f'def f():\n    global API_KEY\n    API_KEY = "{r("gl", 40)}"\n'),
        ("setattr of self", "a.py", f'setattr(self, "password", "{w[3]}")\n'),
        ("dict fromkeys", "a.py", f'cfg.setdefault("password", "{w[4]}")\n'),
        ("dict zip", "a.py", f'cfg = dict(zip(("user", "password"), ("etl", "{w[5]}")))\n'),
        ("dict of pairs", "a.py", f'cfg = dict([("user", "etl"), ("password", "{w[1]}")])\n'),
        ("dict union", "a.py", f'cfg |= {{"password": "{w[0]}"}}\n'),
        ("chain map", "a.py", f'cfg = ChainMap({{"db_password": "{w[6]}"}}, os.environ)\n'),
        ("exec", "a.py", f"exec('password = \"{w[1]}\"')\n"),
        ("json loads", "a.py", f"""cfg = json.loads('{{"password": "{w[1]}"}}')\n"""),
        ("bytes fromhex", "a.py", f'SECRET_KEY = bytes.fromhex("{r("fh", 64, HEX)}")\n'),
        ("base64 name", "a.py", f'password_b64 = "{encoded(w[1] + w[2])}"\n'),
        ("raw f-string", "a.py", f'url = rf"mysql://etl:{w[6]}@{{host}}/x"\n'),
        ("default factory", "a.py", f'token: str = field(default_factory=lambda: "{r("df", 40)}")\n'),
        ("lambda", "a.py", f'get_token = lambda: "{r("la", 40)}"\n'),
        ("yield", "a.py", f'def credentials():\n    yield "etl", "{w[1]}"\n'),
        ("match", "a.py", f'match env:\n    case "prod":\n        password = "{w[0]}"\n'),
        ("walrus in a call", "a.py", f'login(password := "{w[2]}")\n'),
        ("decorator", "a.py", f'@retry(auth=("etl", "{w[1]}"))\ndef f(): ...\n'),
        ("class keyword", "a.py", f'class A(Base, secret="{r("ck", 32)}"): ...\n'),
        ("nested function default", "a.py", f'def a():\n    def b(pw="{w[0]}"):\n        return pw\n    return b\n'),
        ("type comment", "a.py", f'password = "{w[1]}"  # type: str\n'),
        ("typed none or", "a.py", f'password: str | None = None or "{w[1]}"\n'),
        ("subscript of constant", "a.py", f'os.environ[DB_PASSWORD] = "{w[0]}"\n'),
        ("environ f-string", "a.py", f'os.environ["DB_" + "PASSWORD"] = "{w[1]}"\n'),
        ("environb", "a.py", f'os.environb[b"DB_PASSWORD"] = b"{w[1]}"\n'),
        ("environ pop", "a.py", f'pw = os.environ.pop("DB_PASSWORD", "{w[2]}")\n'),
        ("dotenv", "a.py", f'set_key(".env", "API_TOKEN", "{r("de", 32)}")\n'),
        ("dotenv stream", "a.py", f'load_dotenv(stream=StringIO("DB_PASSWORD={w[6]}"))\n'),
        ("keyring set", "a.py", f'keyring.set_password("db", "etl", "{w[1]}")\n'),
        ("configparser", "a.py", f'cp["db"]["password"] = "{w[0]}"\n'),
        ("configparser read", "a.py", f'cp.read_string("[db]\\npassword = {w[6]}\\n")\n'),
        ("configparser set", "a.py", f'cp.set("db", "password", "{w[1]}")\n'),
        ("subprocess env", "a.py", f'run(["psql"], env=dict(os.environ, PGPASSWORD="{w[1]}"))\n'),
        ("subprocess input", "a.py", f'run(["docker", "login", "--password-stdin"], input=b"{w[2]}")\n'),
        ("os.system", "a.py", f"os.system('sshpass -p {w[6]} scp a b:')\n"),
        ("os.system f", "a.py", f"os.system(f'curl -u etl:{w[6]} {{url}}')\n"),
        ("fabric", "a.py", f'Connection("h", connect_kwargs={{"password": "{w[1]}"}})\n'),
        ("invoke sudo", "a.py", f'c.sudo("ls", password="{w[1]}")\n'),
        ("selenium chain", "a.py", f'driver.find_element("name", "password").send_keys("{w[1]}")\n'),
        ("playwright", "a.py", f'page.fill("#password", "{w[1]}")\n'),
        ("playwright get by", "a.py", f'page.get_by_label("Password").fill("{w[1]}")\n'),
        ("mechanize", "a.py", f'br.form["password"] = "{w[0]}"\n'),
        ("urllib quote", "a.py", f'pw = quote_plus("{w[4]}")\n'),
        ("urlunparse", "a.py", f'u = "https://" + "etl:{w[6]}" + "@h.example.org/x"\n'),
        ("yarl", "a.py", f'URL.build(scheme="https", user="etl", password="{w[1]}", host="h")\n'),
        ("aiohttp header", "a.py", f'ClientSession(headers={{"Authorization": "Token {r("ah", 40, HEX)}"}})\n'),
        ("grpc", "a.py", f'grpc.access_token_call_credentials("{r("gr", 60, URL_SAFE)}")\n'),
        ("boto session", "a.py", f'Session("AKIA{r("bs", 16, UPPER)}", "{r("bs2", 40, BASE64)}", region_name="x")\n'),
        ("s3 resource", "a.py", f'boto3.resource("s3", aws_secret_access_key="{r("sr", 40, BASE64)}", aws_access_key_id="minio")\n'),
        ("pyarrow", "a.py", f'fs.S3FileSystem(access_key="minio", secret_key="{w[6]}x1", endpoint_override="h")\n'),
        ("delta", "a.py", f'DeltaTable("s3://b", storage_options={{"AWS_SECRET_ACCESS_KEY": "{r("dl", 40, BASE64)}"}})\n'),
        ("lakefs", "a.py", f'Client(username="AKIAJ{r("lf", 14, UPPER)}Q", password="{r("lf2", 40, BASE64)}")\n'),
        ("feast registry", "a.py", f'RepoConfig(registry="postgresql://etl:{w[6]}@db/feast")\n'),
        ("optuna", "a.py", f'optuna.create_study(storage="mysql://etl:{w[6]}@db/optuna")\n'),
        ("celery result", "a.py", f'app.conf.result_backend = "db+postgresql://etl:{w[6]}@db/x"\n'),
        ("kafka ssl", "a.py", f'KafkaProducer(sasl_plain_username="etl", sasl_plain_password="{w[1]}", ssl_password="x")\n'),
        ("confluent", "a.py", f'conf = {{"sasl.username": "{r("cf", 16, UPPER)}", "sasl.password": "{r("cf2", 64, BASE64)}"}}\n'),
        ("schema registry", "a.py", f'conf = {{"basic.auth.user.info": "etl:{w[6]}"}}\n'),
        ("elastic cloud", "a.py", f'Elasticsearch(cloud_id="x", http_auth=("elastic", "{r("ec", 24)}"))\n'),
        ("opensearch", "a.py", f'OpenSearch(hosts=[h], http_auth=["admin", "{w[1]}"])\n'),
        ("milvus", "a.py", f'MilvusClient(uri="x", token="root:{w[1]}")\n'),
        ("chroma", "a.py", f'Settings(chroma_client_auth_credentials="admin:{w[6]}")\n'),
        ("supabase", "a.py", f'create_client("https://x.supabase.co", "{jwt("five supabase")}")\n'),
        ("firebase", "a.py", f'config = {{"apiKey": "AIza{r("fb", 35, URL_SAFE)}", "projectId": "x"}}\n'),
        ("openweather", "a.py", f'u = f"https://api.example.org/w?q={{city}}&appid={r("ow", 32, HEX)}"\n'),
        ("query key", "a.py", f'u = "https://maps.example.org/api?key={r("qk", 39, URL_SAFE)}&q=x"\n'),
        ("query access key", "a.py", f'requests.get("https://x.example.org/?access_key={r("qa", 32, HEX)}")\n'),
        ("graph api", "a.py", f'msal.ConfidentialClientApplication("cid", client_credential="{r("ga", 3)}8Q~{r("ga2", 34, URL_SAFE)}")\n'),
        ("azure env", "a.py", f'os.environ["AZURE_STORAGE_CONNECTION_STRING"] = "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={r("ae", 86, BASE64)}=="\n'),
        ("cosmos", "a.py", f'CosmosClient("https://x", credential="{r("cc", 86, BASE64)}==")\n'),
        ("event hub", "a.py", f'from_connection_string("Endpoint=sb://x/;SharedAccessKeyName=k;SharedAccessKey={r("eh", 43, BASE64)}=")\n'),
        ("iot hub", "a.py", f'c = "HostName=x.azure-devices.net;DeviceId=d;SharedAccessKey={r("ih", 43, BASE64)}="\n'),
        ("redis azure", "a.py", f'c = "x.redis.cache.windows.net:6380,password={r("ra", 43, BASE64)}=,ssl=True"\n'),
        ("sas url", "a.py", f'sas_url = "https://x.blob.core.windows.net/c?sp=r&st=2024&sig={r("su", 43)}%3D"\n'),
        ("gcp api", "a.py", f'build("youtube", "v3", developerKey="AIza{r("ga3", 35, URL_SAFE)}")\n'),
        ("kubeflow dex", "a.py", f'KFPClientManager(dex_username="me@example.org", dex_password="{w[1]}")\n'),
        ("kfp param", "a.py", f'client.create_run_from_pipeline_func(f, arguments={{"db_password": "{w[0]}"}})\n'),
        ("wandb sweep", "sweep.yaml", f"program: t.py\ncommand:\n- env\n- WANDB_API_KEY={r('ws', 40, HEX)}\n- python\n"),
        ("argo params", "wf.yaml", f"arguments:\n  parameters:\n  - name: db-password\n    value: {w[6]}\n"),
        ("kfp yaml", "p.yaml", f"inputDefinitions:\n  parameters:\n    api_token:\n      defaultValue: {r('ky', 40)}\n      parameterType: STRING\n"),
        ("kfp yaml env", "p.yaml", f"container:\n  env:\n  - name: DB_PASSWORD\n    value: {w[6]}\n"),
        ("kfp yaml args", "p.yaml", f"container:\n  args:\n  - --db-password\n  - {w[6]}\n"),
        ("kfp yaml json args", "p.yaml", f"args: ['--password', '{w[1]}', '--x', '1']\n"),
        ("rbac token", "s.yaml", f"apiVersion: v1\nkind: Secret\ntype: kubernetes.io/service-account-token\ndata:\n  token: {encoded(jwt('five rbac'))}\n"),
        ("bootstrap", "kubeadm.yaml", f"bootstrapTokens:\n- token: {r('bo', 6, LOWER)}.{r('bo2', 16, LOWER)}\n"),
        ("traefik", "t.yaml", f"basicAuth:\n  users:\n  - etl:{w[6]}\n"),
        ("alertmanager", "am.yaml", f"global:\n  smtp_auth_username: x\n  smtp_auth_password: {w[6]}\n"),
        ("loki", "loki.yaml", f"clients:\n- url: https://123:glc_eyJ{r('lo', 100, BASE64)}@logs.example.org/push\n"),
        ("otel", "otel.yaml", f'headers:\n  api-key: "{r("ot", 40)}"\n'),
        ("datadog", "datadog.yaml", f"api_key: {r('dd', 32, HEX)}\nsite: datadoghq.eu\n"),
        ("ansible", "vars.yml", f"db_pass: {w[6]}\nbecome_password: '{w[1]}'\n"),
        ("salt", "pillar.sls", f"postgres:\n  users:\n    etl:\n      password: {w[6]}\n"),
        ("chef", "attributes.rb", f"default['db']['password'] = '{w[1]}'\n"),
        ("puppet", "site.pp", f"class {{ 'mysql': root_password => '{w[1]}' }}\n"),
        ("vagrant", "Vagrantfile", f'config.vm.provision "shell", env: {{ "TOKEN" => "{r("va", 40)}" }}\n'),
        ("packer", "b.pkr.hcl", f'source "x" "y" {{\n  ssh_password = "{w[1]}"\n}}\n'),
        ("nomad", "j.nomad", f'env {{\n  API_KEY = "{r("no", 40)}"\n}}\n'),
        ("cloud init", "user-data.yaml", f"#cloud-config\nchpasswd:\n  list: |\n    root:{w[6]}\nwrite_files:\n- content: TOKEN={r('ci', 40)}\n"),
        ("serverless", "serverless.yml", f"environment:\n  STRIPE_SECRET: sk_live_{r('se', 24)}\n"),
        ("bitbucket", "bitbucket-pipelines.yml", f"script:\n- export TOKEN=ATBB{r('bi', 32)}\n"),
        ("travis", ".travis.yml", f"env:\n  global:\n  - PYPI_PASSWORD={w[6]}\n"),
        ("circle", "config.yml", f"environment:\n  GH_TOKEN: ghp_{r('ci2', 36)}\n"),
        ("azure pipelines", "azure-pipelines.yml", f"variables:\n- name: dbPassword\n  value: {w[6]}\n"),
        ("tox", "tox.ini", f"[testenv]\nsetenv =\n    API_TOKEN = {r('to', 40)}\n    X = 1\n"),
        ("pytest ini", "pytest.ini", f"[pytest]\nenv =\n    DB_PASSWORD={w[6]}\n"),
        ("pyproject tool", "pyproject.toml", f'[tool.x]\ndatabase_url = "postgresql://etl:{w[6]}@db/x"\n'),
        ("setup cfg", "setup.cfg", f"[tool:x]\nsecret_key = {r('sc', 40)}\n"),
        ("supervisor", "s.conf", f'[program:x]\nenvironment=DB_PASSWORD="{w[6]}",X="1"\n'),
        ("uwsgi", "u.ini", f"[uwsgi]\nenv = SECRET_KEY={r('uw', 40)}\n"),
        ("odbc ini", "odbc.ini", f"[x]\nDriver = y\nUID = etl\nPWD = {w[6]}\n"),
        ("tnsnames", "db.properties", f"jdbc.url=jdbc:oracle:thin:etl/{w[6]}@//db:1521/x\n"),
        ("hibernate", "h.xml", f'<property name="hibernate.connection.password">{w[1]}</property>\n'),
        ("maven", "settings.xml", f"<server><username>etl</username><password>{w[6]}</password></server>\n"),
        ("logback", "l.xml", f"<password>{w[6]}</password>\n"),
        ("log line colon", "x.log", f"DEBUG auth header: Authorization: Bearer {r('ll', 40)}\n"),
        ("log dict", "x.log", f"INFO config={{'host': 'h', 'password': '{w[1]}'}}\n"),
        ("log url", "x.log", f"INFO GET https://etl:{w[6]}@h.example.org/x 200\n"),
        ("traceback", "x.log", f'  File "a.py", line 3\n    connect(password="{w[1]}")\nOperationalError\n'),
        ("pip freeze", "freeze.txt", f"x @ git+https://etl:{r('pf', 40)}@github.com/o/x@main\n"),
        ("diff", "x.diff", f'-password = "{w[0]}"\n+password = os.environ["PW"]\n'),
        ("sql dump", "dump.sql", f"INSERT INTO `api_keys` (`id`,`api_key`) VALUES (1,'sk_live_{r('sd', 24)}');\n"),
        ("mongo js", "init.js", f'db.createUser({{ user: "etl", pwd: "{w[1]}", roles: [] }});\n'),
        ("redis conf", "redis.conf", f"requirepass {w[6]}\n"),
        ("mysql cnf", "client.cnf", f"[client]\nuser=etl\npassword={w[6]}\n"),
        ("pgbouncer", "userlist.txt", f'"etl" "{w[1]}" password\n'),
        ("squid", "squid.conf", f"cache_peer p.example.org parent 3128 0 login=etl:{w[6]}\n"),
        ("wget rc", ".wgetrc", f"http_user=etl\nhttp_password={w[6]}\n"),
        ("curl rc", ".curlrc", f'user = "etl:{w[6]}"\n'),
        ("ssh config", "config", f"Host x\n  # password: {w[6]}\n  User etl\n"),
        ("r profile", ".Rprofile", f'options(github_pat = "ghp_{r("rp", 36)}")\n'),
        ("kotlin", "A.kt", f'const val API_KEY = "{r("kt", 40)}"\n'),
        ("swift", "A.swift", f'let apiKey: String = "{r("sw", 40)}"\n'),
        ("dart", "a.dart", f"final String secretKey = '{r('da', 40)}';\n"),
        ("perl", "a.pl", f"my $password = '{w[1]}';\n"),
        ("lua", "a.lua", f'local token = "{r("lu", 40)}"\n'),
        ("cpp", "a.cpp", f'std::string password = "{w[1]}";\n'),
        ("c macro", "a.h", f'#define API_KEY "{r("cm", 40)}"\n'),
        ("elixir", "a.exs", f'config :app, secret_key_base: "{r("ex", 64)}"\n'),
        ("haskell", "A.hs", f'apiKey = "{r("hs", 40)}"\n'),
        ("graphql vars", "v.json", json.dumps({"variables": {"input": {"username": "x", "password": w[0]}}})),
        ("postman env", "p.json", json.dumps({"values": [{"key": "token", "value": r("pe", 40), "enabled": True}]})),
        ("insomnia", "i.json", json.dumps({"authentication": {"type": "bearer", "token": r("in", 40)}})),
        ("vscode", "settings.json", json.dumps({"sqltools.connections": [{"username": "etl", "password": w[1]}]})),
        ("docker auth elsewhere", "auth.txt", json.dumps({"auths": {"r": {"username": "etl", "password": w[1]}}})),
        ("gcp in yaml", "v.yaml", "gcp:\n  key.json: |\n" + "".join(f"    {line}\n" for line in json.dumps({"private_key": pem("")}, indent=1).splitlines())),
        ("env text", "env.txt", f"AWS_ACCESS_KEY_ID=x\nAWS_SECRET_ACCESS_KEY={r('et', 40, BASE64)}\n"),
        ("keys csv", "keys.csv", f"Access key ID,Secret access key\nAKIA{r('kc', 16, UPPER)},{r('kc2', 40, BASE64)}\n"),
        ("one line notes", "notes.md", f"db: etl / pw: {w[6]}\n"),
        ("table", "notes.md", f"| host | user | pw |\n|---|---|---|\n| db | etl | {w[1]} |\n"),
        ("wiki", "wiki.rst", f"Log in as ``etl`` with the password ``{w[1]}``.\n"),
        ("html table", "a.html", f"<tr><td>password</td><td>{w[1]}</td></tr>\n"),
        ("utf-16 json", "a.json", json.dumps({"password": w[1]}).encode("utf-16")),
        ("latin-1 yaml", "a.yaml", f"größe: 1\npassword: {w[6]}\n".encode("latin-1")),
        ("crlf", "a.ini", f"[a]\r\npassword = {w[6]}\r\n"),
        ("no newline", "a.properties", f"password={w[6]}"),
        ("tabs", "a.ini", f"password\t=\t{w[6]}\n"),
        ("zip", "x.zip", zipped("conf/app.yaml", f"password: {w[6]}\n")),
        ("zip of env", "x.zip", zipped(".env", "A=b\n")),
        ("base64 env", "a.yaml", f"env: {encoded(f'DB_PASSWORD={w[1]}{chr(10)}API_TOKEN={r(chr(98), 40)}{chr(10)}')}\n"),
        ("url-safe base64 pem", "a.txt", base64.urlsafe_b64encode(pem().encode()).decode() + "\n"),
        ("pickle ordered", "a.pkl", pickle.dumps(OrderedDict(user="etl", password=w[0]))),
        ("pickle nested bytes", "a.pkl", pickle.dumps({"conf": f"password={w[6]}\n".encode()})),
        ("pickle tuple of pairs", "a.pkl", pickle.dumps((("password", w[0]), ("user", "x"), PurePosixPath("/x")))),
        ("pickle url", "a.pkl", pickle.dumps({"url": f"postgresql://etl:{w[6]}@db/x"})),
        ("frame output", "n.ipynb", output(output_type="execute_result", execution_count=1, metadata={}, data={"text/plain": [f"   user  password\n0  etl  {w[1]}"]})),
        ("repr output", "n.ipynb", output(output_type="execute_result", execution_count=1, metadata={}, data={"text/plain": [f"{{'api_key': '{r('ro', 40)}'}}"]})),
        ("stream output", "n.ipynb", output(output_type="stream", name="stderr", text=[f"WARNING: using token hf_{r('so', 34)}\n"])),
        ("html output", "n.ipynb", output(output_type="display_data", metadata={}, data={"text/html": [f"<code>export TOKEN={r('ho', 40)}</code>"]})),
        ("traceback output", "n.ipynb", output(output_type="error", ename="E", evalue="e", traceback=[f"\x1b[0;31m connect(password='{w[1]}')\x1b[0m"])),
        ("cell help", "n.ipynb", cells(f'connect?\npassword = "{w[1]}"\n')),
        ("cell capture", "n.ipynb", cells(f"%%capture\n!pip install x\ntoken = '{r('ca', 40)}'\n")),
        ("cell assignment", "n.ipynb", cells(f"files = !ls -la\nAPI_KEY = '{r('as', 40)}'\n")),
        ("cell cd", "n.ipynb", cells(f"%cd /x\n%env TOKEN {r('cd', 40)}\n")),
        ("cell docker", "n.ipynb", cells(f"!docker login -u etl -p {w[6]} r.example.org\n")),
        ("cell curl", "n.ipynb", cells(f'!curl -H "Authorization: Bearer {r("cc2", 40)}" https://x.example.org\n')),
        ("cell psql", "n.ipynb", cells(f"!PGPASSWORD={w[6]} psql -h db -U etl\n")),
        ("cell R", "n.ipynb", cells(f'%%R\nSys.setenv(TOKEN = "{r("cr", 40)}")\n')),
        ("cell js", "n.ipynb", cells(f"%%javascript\nconst apiKey = '{r('cj', 40)}';\n")),
        ("uuid key", "a.py", f'PINECONE_API_KEY = "{uid}"\n'),
        ("heroku", "a.sh", f"heroku config:set SECRET_KEY={r('he', 40)}\n"),
        ("flyctl", "a.sh", f"flyctl secrets set API_TOKEN={r('fl', 40)}\n"),
        ("gh secret", "a.sh", f"gh secret set PYPI --body pypi-AgEIcHlwaS5vcmc{r('gs', 80, URL_SAFE)}\n"),
        ("ssh -i and pass", "a.sh", f"openssl rsa -in k.pem -passin pass:{w[6]}\n"),
        ("gpg", "a.sh", f"gpg --batch --passphrase {w[6]} -d x.gpg\n"),
        ("expect", "a.exp", f'expect "Password:"\nsend "{w[1]}\\r"\n'),
        ("sudo", "a.sh", f"echo {w[6]} | sudo -S apt install x\n"),
        ("psql url", "a.sh", f"psql 'host=db user=etl password={w[6]} dbname=x'\n"),
        ("rsync", "a.sh", f"RSYNC_PASSWORD={w[6]} rsync -a x etl@h::m\n"),
        ("svn", "a.sh", f"svn co --username etl --password {w[6]} https://x.example.org\n"),
        ("net use", "a.bat", f"net use Z: \\\\srv\\share {w[6]} /user:etl\n"),
        ("keytool", "a.sh", f"keytool -list -keystore k.jks -storepass {w[6]}\n"),
        ("snowsql", "a.sh", f"SNOWSQL_PWD={w[6]} snowsql -a x -u etl\n"),
        ("bq", "a.sh", f"curl 'https://x.example.org/?access_token=ya29.{r('bq', 100, URL_SAFE)}'\n"),
    ]  # fmt: skip
    return [case(*text) for text in texts]


def innocents() -> list[Case]:
    """Files that only look like credentials."""
    r = lambda label, length=24, alphabet=ALNUM: rnd(f"five innocent {label}", length, alphabet)  # noqa: E731
    uid = "-".join(r(f"u{n}", n, HEX) for n in (8, 4, 4, 4, 12))
    # Names that announce credentials, with what programs and settings give them besides.
    values = (
        'os.environ["X"]', 'os.getenv("X", "")', "settings.secret", "self._token", "get_token()", "None", '""', "...", "args.password", "str(uuid4())",
        'config["db"]["password"]', 'vault.read("secret/ml")["data"]', 'f"{prefix}-{suffix}"', "SecretStr", 'Path("/run/secrets/x").read_text()',
        'getpass("Password: ")', "Depends(get_key)", 'boto3.client("sts").get_session_token()', "b64decode(data)", 'b""', "int(x)", "[t.text for t in doc]",
    )  # fmt: skip
    names = ("password", "API_KEY", "token", "client_secret", "db_pass", "access_token", "secret_key", "auth")
    drawn = [
        (
            f"{names[index % len(names)]} = {value}",
            "a.py",
            f"{names[index % len(names)]} = {value}\nuse({names[index % len(names)]}={value})\n",
        )
        for index, value in enumerate(values)
    ]
    settings = (
        "${PASSWORD}", "${PASSWORD:-}", "$PASSWORD", "{{ password }}", "{{password}}", "<password>", "<your-password>", "changeme", "CHANGE_ME", "xxxxx", "***", "********",
        "null", "~", "''", '""', "none", "your_password", "your-api-key-here", "my-database-secret", "db-credentials-v2", "/run/secrets/db", "file:///run/secrets/db",
        "env:DB_PASSWORD", "vault:secret/ml#password", "ref+vault://secret/ml", "op://vault/item/field", "arn:aws:ssm:eu-west-1:123456789012:parameter/db", "true", "false",
        "required", "optional", "string", "password", "secret", "!ref DbPassword", "!Sub '${DbPassword}'", "projects/p/secrets/db/versions/3", "sm://project/db-password", "TODO", "example", "redacted", "[hidden]", "%(password)s", "#{password}", "@password@",
    )  # fmt: skip
    keys = ("password", "api_key", "token", "clientSecret", "db.password", "SECRET_KEY", "access-token")
    drawn += [
        (
            f"{keys[index % len(keys)]}: {value}",
            ("c.yaml", "c.ini", "c.properties")[index % 3],
            f"{keys[index % len(keys)]}{(': ', ' = ', '=')[index % 3]}{value}\n",
        )
        for index, value in enumerate(settings)
    ]
    texts = [
        ("text of a talk", "talk.md", "A token is not a word; a key is not a value; a secret is safe only if nobody asks.\nPassword managers: KeePassXC 2.7, 1Password 8.\n"),
        ("tokens of a tweet", "nlp.py", 'tokens = ["@user123", "http://t.co/a1B2c3D4e5", "#hashtag2", ":)"]\ntoken = "co2-neutral"\ntoken == "covid19"\n'),
        ("token types", "lex.py", 'Token = namedtuple("Token", "type value")\nEOF_TOKEN = Token("EOF", "")\ntoken = Token("OP", "+=")\nif tok.type == "KEY2":\n    key = tok.value\n'),
        ("state machine", "fsm.py", 'key = "state:ready->running"\nSECRET_STATES = {"s0", "s1", "s2a"}\npass_through = "p1-p2"\n'),
        ("music", "music.py", 'key = "C#m7"\nkeys = ["Bb4", "F#3"]\nkey_signature = "4/4 in G-major"\n'),
        ("piano", "p.yaml", "key: A4\nkeys: [C4, E4, G4]\nkey_signature: F#-minor-7\n"),
        ("crypto lib", "c.py", 'def derive_key(password: bytes, salt: bytes) -> bytes:\n    return PBKDF2HMAC(SHA256(), 32, salt, 600_000).derive(password)\nkey = AESGCM.generate_key(bit_length=256)\n'),
        ("rsa lib", "r.py", 'key = rsa.generate_private_key(public_exponent=65537, key_size=4096)\npem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())\nassert pem.startswith(b"-----BEGIN PRIVATE " + b"KEY-----")\n'),
        ("test secrets", "t.py", 'FAKE_TOKEN = "fake-token"\nTEST_PASSWORD = "test-password"\nDUMMY_SECRET = "dummy_secret"\n'),
        ("faker", "t.py", "password = fake.password(length=12)\ntoken = factory.Faker('uuid4')\nsecret = Mock(spec=Secret)\n"),
        ("vcr", "c.yaml", "interactions:\n- request:\n    headers:\n      Authorization: [DUMMY]\n      X-Api-Key: ['REDACTED']\n"),
        ("snapshot", "s.txt", "Usage: tool login [OPTIONS]\n  -p, --password TEXT  [required]\n  --token-ttl INTEGER  Lifetime of the token, in seconds  [default: 3600]\n"),
        ("env example", ".env.example", "DATABASE_URL=postgresql://user:password@localhost:5432/app\nSECRET_KEY=replace-with-a-random-string\nAPI_TOKEN=\n"),
        ("env template", "env.template", "PASSWORD=<set me>\nTOKEN=__TOKEN__\nKEY=@@KEY@@\n"),
        ("compose", "c.yaml", "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: ${DB_PASSWORD:?}\n      POSTGRES_HOST_AUTH_METHOD: scram-sha-256\n    command: [--auth-local=peer, --auth-host=scram-sha-256]\n"),
        ("auth methods", "pg_hba.conf", "host all all 10.0.0.0/8 scram-sha-256\nlocal all postgres peer\nhost replication all 127.0.0.1/32 md5\n"),
        ("sshd", "sshd_config", "PasswordAuthentication no\nPubkeyAuthentication yes\nAuthorizedKeysFile .ssh/authorized_keys2\nPermitRootLogin prohibit-password\n"),
        ("pam", "pam.conf", "auth required pam_unix.so nullok try_first_pass\npassword sufficient pam_unix.so sha512 shadow use_authtok\n"),
        ("nginx", "n.conf", "limit_req_zone $binary_remote_addr zone=login:10m rate=5r/s;\nauth_request /auth;\nproxy_cookie_path / \"/; HTTPOnly; Secure\";\n"),
        ("opa", "p.rego", 'allow { input.token.payload.role == "admin" }\ndeny[msg] { input.kind == "Secret"; msg := "secrets must be sealed" }\n'),
        ("istio", "i.yaml", "jwtRules:\n- issuer: https://issuer.example.org\n  jwksUri: https://issuer.example.org/.well-known/jwks.json\n  forwardOriginalToken: true\n  fromHeaders: [{name: x-jwt-assertion, prefix: 'Bearer '}]\n"),
        ("oidc", "o.yaml", f"oidc:\n  clientID: ml-dashboard-{r('oi', 6, HEX)}\n  clientSecretFile: /etc/oidc/secret\n  tokenEndpoint: https://idp.example.org/oauth/token\n  userKey: preferred_username\n"),
        ("crd", "crd.yaml", "properties:\n  passwordSecretRef:\n    type: object\n    properties:\n      key: {type: string, default: password}\n      name: {type: string}\n  token: {type: string, maxLength: 4096, pattern: '^[A-Za-z0-9._-]+$'}\n"),
        ("openapi yaml", "api.yaml", "parameters:\n- name: api_key\n  in: query\n  schema: {type: string, default: ''}\n- name: token\n  in: header\n  required: true\n  description: The token of the session\n"),
        ("json schema defaults", "s.json", json.dumps({"properties": {"password": {"type": "string", "default": "", "examples": ["********"]}, "token_type": {"default": "bearer"}, "secret_name": {"default": "ml-db-secret"}}})),
        ("kfp yaml", "p.yaml", "inputDefinitions:\n  parameters:\n    token_limit: {defaultValue: 512.0, parameterType: NUMBER_INTEGER}\n    tokenizer: {defaultValue: bert-base-uncased, parameterType: STRING}\n    secret_name: {defaultValue: ml-credentials, parameterType: STRING}\n"),
        ("kfp platform", "p.yaml", "secretAsVolume:\n- secretName: gcp-key-2\n  mountPath: /secrets/gcp\n  optional: false\nsecretAsEnv:\n- keyToEnv: [{envVar: API_KEY, secretKey: api-key-v2}]\n"),
        ("workflow status", "w.json", json.dumps({"nodes": {"x": {"id": "digits-x7k2p-1234567890", "templateName": "token-check", "outputs": {"artifacts": [{"s3": {"key": "artifacts/digits-x7k2p/main.log", "secretKeySecret": {"name": "mlpipeline", "key": "secretkey"}}}]}}}})),
        ("manifest", "m.json", json.dumps({"schemaVersion": 2, "config": {"digest": "sha256:" + r("mf", 64, HEX)}, "annotations": {"org.opencontainers.image.revision": r("mf2", 40, HEX), "dev.example.secret-free": "true"}})),
        ("sbom", "sbom.json", json.dumps({"components": [{"name": "passlib", "purl": "pkg:pypi/passlib@1.7.4", "hashes": [{"alg": "SHA-256", "content": r("sb", 64, HEX)}]}]})),
        ("cargo", "Cargo.toml", '[dependencies]\nsecrecy = "0.8.0"\ntokenizers = { version = "0.19.1", features = ["http"] }\npassword-hash = "=0.5.0"\n'),
        ("npm lock", "package-lock.json", json.dumps({"packages": {"node_modules/js-tokens": {"version": "4.0.0", "integrity": "sha512-" + r("nl", 86, BASE64) + "=="}}})),
        ("go.mod", "go.mod", "require (\n\tgithub.com/golang-jwt/jwt/v5 v5.2.1\n\tgithub.com/zalando/go-keyring v0.2.4-0.20240101120000-a1b2c3d4e5f6\n)\n"),
        ("gemfile", "Gemfile.lock", "    bcrypt (3.1.20)\n    jwt (2.8.1)\n    secure_headers (6.5.0)\n"),
        ("docs of flags", "docs.md", "`--password-stdin` reads the password from standard input; `--token-file=PATH` names a file.\n\n    tool login --username me --password-stdin < pw.txt\n    tool --token \"$TOKEN\" push\n"),
        ("docs of headers", "docs.md", "Send `Authorization: Bearer <token>` or `X-API-Key: <key>`. Basic: `Authorization: Basic base64(user:password)`.\n"),
        ("docs of url", "docs.md", "URLs: `redis://[:password@]host:port/db`, `postgresql://user@host/db`, `https://user:***@host`, `amqp://guest:guest@localhost:5672/`.\n"),
        ("docs of errors", "docs.md", "`401: invalid_token` - the token is expired or revoked\n`403: bad_password` - the password is wrong (3 of 5 tries)\n"),
        ("release notes", "NEWS.md", "* The token is now rotated every 24h\n* Passwords: minimum length is 12 now\n* secret scanning: 40 new patterns, e.g. `ghp_` and `xoxb-`\n"),
        ("quiz", "quiz.csv", "question,answer\nWhat is a primary key?,a unique column\nWhat is a token?,a unit of text\n\"password strength, in bits?\",at least 60\n"),
        ("labels", "labels.json", json.dumps({"0": "reset_password", "1": "lost_card", "2": "api_key_help", "key": "label", "token": "text"})),
        ("vision", "v.py", 'cls_token = nn.Parameter(torch.zeros(1, 1, dim))\npos_embed_key = "pos_embed_14x14"\nkeypoints = ["nose", "left_eye2"]\nmonkey_patch = "vit_b_16-c867db91.pth"\n'),
        ("weights", "w.py", f'WEIGHTS = {{"resnet50": "https://download.example.org/models/resnet50-{r("wt", 8, HEX)}.pth"}}\ncheckpoint_key = "ema_state_dict_v2"\n'),
        ("audio", "a.py", 'processor.tokenizer.pad_token = "[PAD]"\nword_delimiter_token = "|"\nblank_token = "<blank>"\n'),
        ("graph", "g.py", 'edge_key = ("user", "rates2", "movie")\nnode_key = f"{ntype}_{nid}"\nbypass_key = "skip-conn-3b"\n'),
        ("rl", "rl.py", 'key, subkey = random.split(key)\nkey = f"agent_{i}"\nobs_key = "observation/image_84x84"\n'),
        ("ts dates", "d.py", 'date_key = "2024-05-06T07:08:09Z"\npartition_key = "dt=2024-05-06/hr=07"\nindex_key = 20240506\n'),
        ("geo", "g.py", 'geohash_key = "u281z7j"\nh3_key = "8a2a1072b59ffff"\nplus_code = "8FVC9G8F+6X"\n'),
        ("bank", "b.csv", "iban,bic,reference_key\nDE89370400440532013000,COBADEFFXXX,INV-2024-0017\n"),
        ("barcodes", "b.csv", "gtin,product_key\n04012345678901,PRD-88-XL-2B\n"),
        ("license header", "l.py", "# SPDX-License-Identifier: Apache-2.0\n# Copyright 2024 The Authors\n# license_key: see LICENSE\n"),
        ("windows registry", "r.reg", "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Example\\App]\n\"InstallPath\"=\"C:\\\\App\"\n\"EnableSecrets\"=dword:00000001\n"),
        ("vim", "vimrc", "nnoremap <leader>k :Keys<CR>\nset key=\nlet g:token_style = 'bold'\n"),
        ("tmux", "tmux.conf", "bind-key -T copy-mode-vi v send-keys -X begin-selection\nset -g mode-keys vi\n"),
        ("emacs", "init.el", '(global-set-key (kbd "C-c p") \'projectile-command-map)\n(setq auth-sources \'("~/.authinfo.gpg"))\n'),
        ("css in js", "s.js", "const styles = css`&::token { color: ${theme.key2}; } .password:focus { outline: 1px }`;\n"),
        ("webpack", "w.js", f'(self.webpackChunk=self.webpackChunk||[]).push([[179],{{8217:(e,t,n)=>{{t.token=n(1),t.key="{r("wp", 8, LOWER)}",t.password=e=>e.value}}}}]);\n'),
        ("icons", "i.svg", f'<svg><use href="#icon-key-24"/><image xlink:href="data:image/png;base64,iVBORw0KGgo{r("ic", 120, BASE64)}"/></svg>\n'),
        ("email", "e.eml", f"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s1;\n b={r('dk', 160, BASE64)}=\nMessage-ID: <{r('mi', 20)}@mail.example.org>\n"),
        ("signature", "s.py", f'signature = inspect.signature(f)\nSIGNATURE = "def f(key: str, token: int = 3) -> None"\netag = "{r("sg", 32, HEX)}"\n'),
        ("notebook ids", "n.ipynb", cells("from huggingface_hub import notebook_login\nnotebook_login()\n", "!huggingface-cli whoami\ntoken = None\n", "model.config.pad_token_id = 50256\n%timeit tok('a secret key')\n")),
        ("notebook output", "n.ipynb", output(output_type="stream", name="stdout", text=["Token is valid (permission: read).\n", "Your token has been saved to /root/.cache/huggingface/token\n", f"wandb: Run {r('no', 8, LOWER)} key=val_loss\n"])),
        ("notebook frame", "n.ipynb", output(output_type="execute_result", execution_count=1, metadata={}, data={"text/plain": ["   token  count\n0  hello2     3\n1  world9     1"], "text/html": ["<table><tr><th>key</th><td>a1</td></tr></table>"]})),
        ("notebook picture", "n.ipynb", output(output_type="display_data", metadata={}, data={"image/png": "iVBORw0KGgo" + r("np", 200, BASE64), "text/plain": ["<Figure size 640x480 with 1 Axes>"]})),
        ("pickle", "m.pkl", pickle.dumps({"token_to_id": {"<pad>": 0, "password": 1}, "key_order": ["a1", "b2"], "secret": None, "auth": {"type": "basic"}})),
        ("uuid names", "u.yaml", f"secretId: {uid}\ntokenId: {uid}\napiKeyId: {r('ai', 20)}\nkeyVersion: {r('kv', 32, HEX)}\n"),
    ]  # fmt: skip
    return [case(*text) for text in (*texts, *drawn)]
