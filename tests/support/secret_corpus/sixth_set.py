"""Files that the rules had not seen when they were written: drawn from forms, names and values, as users leave them.

Of the first try: 191 of 198 credentials found, 1 of 154 innocents refused.
"""

from __future__ import annotations

import random

from tests.support.secret_corpus.case import ALNUM, BASE64, HEX, URL_SAFE, Case, case, encoded, rnd

_CELL = (
    '{"cells":[{"cell_type":"code","metadata":{},"outputs":[],"execution_count":1,"source":["@CELL@"]}],"metadata":{}}'
)
_PRINTED = (
    '{"cells":[{"cell_type":"code","metadata":{},"execution_count":1,"source":["x"],"outputs":[{"output_type":"stream",'
    '"name":"stdout","text":["@NAME@ = @VALUE@\\n"]}]}],"metadata":{}}'
)
NAMED = (
    ("a.py", "@NAME@ = '@VALUE@'\n"),
    ("a.py", "connect('h', 5432, @NAME@='@VALUE@')\n"),
    ("a.py", "import os\nos.environ['@NAME@'] = '@VALUE@'\n"),
    ("a.py", "cfg = dict(user='etl', @NAME@='@VALUE@')\n"),
    ("a.py", "cfg = {'user': 'etl', '@NAME@': '@VALUE@'}\n"),
    ("a.py", "p.add_argument('--@NAME@', type=str, default='@VALUE@')\n"),
    ("a.py", "x = os.environ.get('@NAME@', '@VALUE@')\n"),
    ("a.py", 'def f():\n    """Run.\n\n    Set @NAME@=@VALUE@ first.\n    """\n'),
    ("a.py", "# @NAME@ = '@VALUE@'\n"),
    ("a.py", "x = f'@NAME@=@VALUE@;host={h}'\n"),
    ("c.yaml", "x:\n  @NAME@: '@VALUE@'\n"),
    ("c.yaml", "env:\n  - name: @NAME@\n    value: '@VALUE@'\n"),
    ("c.json", '{"a": {"@NAME@": "@VALUE@"}}'),
    ("c.toml", "[a]\n@NAME@ = '@VALUE@'\n"),
    ("c.ini", "[a]\n@NAME@=@VALUE@\n"),
    ("prod.conf", "@NAME@=@VALUE@\n"),
    ("run.sh", "export @NAME@='@VALUE@'\n"),
    ("run.sh", "train --@NAME@ '@VALUE@'\n"),
    ("main.tf", '@NAME@ = "@VALUE@"\n'),
    ("n.ipynb", _CELL.replace("@CELL@", "@NAME@ = '@VALUE@'")),
    ("n.ipynb", _CELL.replace("@CELL@", "%env @NAME@=@VALUE@")),
    ("n.ipynb", _CELL.replace("@CELL@", "%set_env @NAME@ @VALUE@")),
    ("n.ipynb", _CELL.replace("@CELL@", "!export @NAME@='@VALUE@'")),
    ("n.ipynb", _PRINTED),
)
PASSWORDS = (
    *("password", "db_password", "DB_PASSWORD", "dbPassword", "passwd", "PGPASSWORD", "smtp_pass", "rootPassword"),
    *("user_pwd", "REDIS_PASSWORD", "adminPassword", "MYSQL_PWD", "ftp_password", "ldap_bind_password"),
)
KEYS = (
    *("api_key", "API_KEY", "apiKey", "secret_key", "SECRET_KEY", "client_secret", "clientSecret", "access_token"),
    *("accessToken", "AUTH_TOKEN", "HF_TOKEN", "OPENAI_API_KEY", "aws_secret_access_key", "private_key", "jwt_secret"),
    *("bot_token", "webhook_secret", "encryption_key", "SLACK_TOKEN", "signing_key", "azure_client_secret"),
)
SAID = (
    *("Kr0kodil-Tr4enen", "blueMoon!2023", "s3cr3tSauce", "Papierflieger#7", "n1ghtOwl_99", "r4inyD4ys", "Ab1-Cd2-Ef3"),
    *("W1nter.is.coming", "hunter2000", "Vier+Acht=12", "gr33n.apples", "Password2024!", "letMeIn_now1", "4711-Koeln"),
)
HARMLESS = (
    *("<password>", "changeme", "xxxxxxxx", "${PASSWORD}", "$PASSWORD", "{{ password }}", "your-password", "********"),
    *("<api-key>", "YOUR_TOKEN", "example", "/run/secrets/x", "REPLACE_ME", "null", "none", "TODO", "dummy", "string"),
    *("my-secret-name", "db-credentials", "vault:secret/x#y", "{password}", "%(password)s", "[REDACTED]", "..."),
)
WHOLE = (
    ("a.py", "engine = create_engine('postgresql://etl:@VALUE@@db.internal:5432/x')\n"),
    ("a.py", "r = redis.from_url('redis://:@VALUE@@cache:6379/0')\n"),
    ("a.py", "c = MongoClient('mongodb+srv://etl:@VALUE@@c0.abcde.mongodb.net/x')\n"),
    ("a.py", "requests.get(u, auth=('etl', '@VALUE@'))\n"),
    ("a.py", "requests.get(u, auth=HTTPBasicAuth('etl', '@VALUE@'))\n"),
    ("a.py", "psycopg2.connect('dbname=x user=etl password=@VALUE@')\n"),
    ("a.py", "h = {'Authorization': 'Basic @BASIC@'}\n"),
    ("c.txt", "jdbc:postgresql://db/x?user=etl&password=@VALUE@\n"),
    ("c.txt", "Driver={ODBC Driver 18};Server=db;Uid=etl;Pwd=@VALUE@;\n"),
    ("c.txt", "Server=db;Database=x;User Id=etl;Password=@VALUE@;\n"),
    ("run.sh", "curl -u etl:@VALUE@ https://x.internal\n"),
    ("run.sh", "curl -H 'X-Api-Key: @TOKEN@' https://x.internal\n"),
    ("run.sh", "curl -H 'Authorization: Bearer @TOKEN@' https://x.internal\n"),
    ("run.sh", "docker login -u etl -p @VALUE@ r.internal\n"),
    ("run.sh", "git clone https://etl:@TOKEN@@git.internal/o/r.git\n"),
    ("requirements.txt", "--extra-index-url https://etl:@TOKEN@@pypi.internal/simple\n"),
    ("users.csv", "user,password\netl,@VALUE@\n"),
    ("a.py", "login(token='@TOKEN@')\n"),
)


def _drawn(label: str, count: int, forms: tuple[tuple[str, str], ...], pairs: list[tuple[str, str]]) -> list[Case]:
    generator = random.Random(f"six, {label}")
    made = []
    for index in range(count):
        (path, form), (name, value) = forms[index % len(forms)], generator.choice(pairs)
        text = form.replace("@NAME@", name).replace("@VALUE@", value)
        text = text.replace("@BASIC@", encoded(f"etl:{value}")).replace("@TOKEN@", rnd(f"six {index}", 40))
        made.append(case(f"{label}: {path} {name} {value}", path, text))
    return made


def secrets() -> list[Case]:
    """Files with a made-up credential each."""
    kinds = ((32, ALNUM), (40, HEX), (32, HEX), (43, URL_SAFE), (44, BASE64), (24, ALNUM), (64, HEX))
    tokens = [rnd(f"six value {length} {len(kind)}", length, kind).strip("-_") for length, kind in kinds]
    named = [(name, value) for name in PASSWORDS for value in (*SAID, *tokens[:2])]
    named += [(name, value) for name in KEYS for value in tokens] * 2
    return _drawn("named", 144, NAMED, named) + _drawn("whole", 54, WHOLE, [("", value) for value in SAID])


def innocents() -> list[Case]:
    """Files that only look like credentials."""
    named = [(name, value) for name in (*PASSWORDS, *KEYS) for value in HARMLESS]
    forms = tuple(form for form in NAMED if "%set_env" not in form[1] and "Run." not in form[1])
    return _drawn("harmless", 154, forms, named)
