"""Names with their values in settings, programs, commands and prose; what follows a name is read by `pair`."""

from __future__ import annotations

import pytest

from fairing_kfp.preprocess.secrets.assignments import find_assignments
from fairing_kfp.preprocess.secrets.pair import Style
from tests.support.made_up_secrets import HIGH


def values(text: str, style: Style) -> list[str]:
    found = list(find_assignments(text, style))
    assert all(text[match.start :].startswith(match.value) for match in found)
    return [match.value for match in found]


@pytest.mark.parametrize(
    "text",
    [
        "password: hunter2",
        "password: >-\n  hunter2\n",
        "password:\n  hunter2\n",
        "args:\n- --password\n- hunter2\n",
        "- name: DB_PASSWORD\n  value: hunter2\n",
        "- value: hunter2\n  name: DB_PASSWORD\n",
        'variable "db_password" {\n  default = "hunter2"\n}',
        "<password>hunter2</password>",
        '{\\"password\\": \\"hunter2\\"}',
        "machine a login me password hunter2",
        "export PASSWORD=hunter2",
        "run --password hunter2",
        "Uid=me;Pwd=hunter2;",
    ],
)
def test_settings_need_no_quotes(text: str) -> None:
    assert values(text, Style.SETTINGS) == ["hunter2"]


@pytest.mark.parametrize(
    "text",
    [
        'const password = "hunter2";',
        "props.setProperty('password', 'hunter2')",
        'val password: String = "hunter2"',
        'new Login(password = new Secret("hunter2"))',
        "https://x.example.com/?password=hunter2",
        "// password: hunter2",
        "#define PASSWORD 'hunter2'",
    ],
)
def test_programs_need_quotes(text: str) -> None:
    assert values(text, Style.PROGRAM) == ["hunter2"]


def test_prose_needs_more_than_words() -> None:
    assert values(f"the password: hunter2\nthe api key {HIGH}", Style.PROSE) == ["hunter2", HIGH]
    assert values("the password: swordfish is a word", Style.PROSE) == []


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize(
    "text",
    [
        "password: the password of the user",
        "password = get_password()",
        "password=args.password",
        "token: Hugging Face token",
        "password: str",
        "password:\n  length: 12\n",
        "token = tokens[0]",
        "Authorization: Bearer ${TOKEN}",
        "key: value",
        '"password": {"format": "password", "minLength": 8}',
        "user: me, password: see the vault",
        "the user enters password twice or more",
    ],
)
def test_harmless_texts(text: str, style: Style) -> None:
    assert values(text, style) == []


def test_schemes_of_headers_are_no_values() -> None:
    assert values(f"Authorization: Bearer {HIGH}", Style.SETTINGS) == [HIGH]
    assert values(f"key: x\nAccess Key: {HIGH}", Style.SETTINGS) == [HIGH]


@pytest.mark.parametrize(
    "text",
    [
        "Use user etl with password Blau-wal7! on the network.",
        "user: etl, password: Blau-wal7!",
        "Login `etl` and password `Blau-wal7!`",
        "user etl insecure-password Blau-wal7!",
    ],
)
@pytest.mark.parametrize("style", [Style.PROSE, Style.SETTINGS])
def test_passwords_after_their_users(text: str, style: Style) -> None:
    assert values(text, style) == ["Blau-wal7!"]
