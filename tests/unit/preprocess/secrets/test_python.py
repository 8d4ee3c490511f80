"""Programs and cells; names and values of expressions are read by `python_names` and `python_values`."""

from __future__ import annotations

import pytest

from fairing_kfp.preprocess.secrets.python import find_in_cell, find_in_program
from tests.support.made_up_secrets import FORMS, HIGH


@pytest.mark.parametrize(
    "text",
    [
        f"token = '{HIGH}'",
        f"self.password: str = '{HIGH}'",
        f"connect(api_key='{HIGH}')",
        f"    def f(a, *, token='{HIGH}'): ...",
        f"headers = {{'token': '{HIGH}'}}",
        f"os.environ['TOKEN'] = '{HIGH}'",
        f"token = '{HIGH[:9]}' + '{HIGH[9:]}'",
        f"token = os.getenv('TOKEN') or '{HIGH}'",
        f"env = [EnvVar(name='TOKEN', value='{HIGH}')]",
        f"option('--token', default='{HIGH}')",
        f"token: SecretStr = SecretStr('{HIGH}')",
        f"def token(): return '{HIGH}'",
        f"keyring.set_password('a', 'me', '{HIGH}')",
        f"x = 1  # token: {HIGH}",
        f"TEXT = '''\nTOKEN={HIGH}\n'''",
        f"auth = ('me', '{HIGH}')",
        f"cohere.Client('{HIGH}')",
        f"pymssql.connect('db', 'me', '{HIGH}', 'sales')",
        f"ldap.simple_bind_s('cn=me', '{HIGH}')",
        f"PasswordAuthenticator('me', '{HIGH}')",
        f"broken( token='{HIGH}'",
    ],
)
def test_values_are_found_once(text: str) -> None:
    assert [match.value for match in find_in_program(text)] == [HIGH]


@pytest.mark.parametrize(
    "text",
    [
        "token = os.environ['TOKEN']",
        "tokenizer.pad_token = '<pad>'",
        "def f(token=None, *, password=''): ...",
        "headers = {**others, 'token': token}",
        "password = getpass('Password: ')",
        f"name = '{HIGH}'",
        f"Image('{HIGH}')",
        f"client.get_run('{HIGH}')",
        "connect('db.internal', 'sales')",
        "socket.bind(('0.0.0.0', 8080))",
        "compass, passes = 'n', '2-pass'",
        "__all__ = ['OAuth2Token', 'OAuth2Request']",
        "fields = ('password', 'host')",
        "url = f'postgresql://{user}:{password}@{host}'",
    ],
)
def test_harmless_programs(text: str) -> None:
    assert find_in_program(text) == []


@pytest.mark.parametrize(
    "text",
    [
        f"%env TOKEN={HIGH}",
        f"x = 1\n%env TOKEN {HIGH}",
        f"x = 1\n!TOKEN={HIGH} run",
        f"%%bash\nexport TOKEN={HIGH}",
        f"%%writefile a.ini\ntoken = {HIGH}",
        f"%%time\ntoken = '{HIGH}'",
    ],
)
def test_cells_with_magics(text: str) -> None:
    (match,) = find_in_cell(text)
    assert (match.value, match.start) == (HIGH, text.count("\n") + 1)


def test_generated_programs_are_read_as_text() -> None:
    text = f"x = [\n{'1,' * 1_100_000}\n]\ntoken = '{HIGH}'\nother = '{FORMS['a GitHub token']}'\n"
    assert {match.start for match in find_in_program(text)} == {4, 5}
