"""Lists of users with their passwords."""

from __future__ import annotations

import pytest

from fairing_kfp.preprocess.secrets.names import Strength
from fairing_kfp.preprocess.secrets.users import find_in_user_list, find_users


@pytest.mark.parametrize(
    ("text", "passwords"),
    [
        ("basicAuth:\n  users:\n    - 'me2:Blau_wal7'\n    - ops:hunter2\n", ["Blau_wal7", "hunter2"]),
        ("x:\n- basic_auth:\n    users:\n      ops: Blau_wal7\n      etl: hunter2\n", ["Blau_wal7", "hunter2"]),
        ("basic-auth: |\n  ops:Blau_wal7\nother:\n  etl:hunter2\n", ["Blau_wal7"]),
        ('{"basicAuth": {"users": {"ops": "Blau_wal7"}}}', ["Blau_wal7"]),
        ("app.use(basicAuth({ users: { 'ops': 'Blau_wal7' } }))", ["Blau_wal7"]),
        ("basicAuth:\n  enabled: true\n  realm: acme-2024\n  usersFile: /etc/users\n", []),
        ("basicAuth:\n  users:\n    ops: ${PASSWORD}\n    etl: <password>\n", []),
        ("basicAuthUsers:\n  ops: Blau_wal7\n", ["Blau_wal7"]),
        ("basicAuth:\n  users:\n    - name: ops\n      role: admin2\n", []),
        ("basicAuth: {enabled: true}\nusers:\n  - ops:staff\n", []),
    ],
)
def test_users_of_basic_authentication(text: str, passwords: list[str]) -> None:
    found = list(find_users(text))
    assert [match.value for match in found] == passwords
    assert all(text.startswith(match.value, match.start) for match in found)


@pytest.mark.parametrize(
    ("least", "text", "passwords"),
    [
        (Strength.PASSWORD, '; of the pool\n"app" "harvest"\n', ["harvest"]),
        (
            Strength.SECRET,
            '"app" "Blau_wal7" "comment"\n"etl" "md5' + "0a1b" * 8 + '"\n',
            ["Blau_wal7", "md5" + "0a1b" * 8],
        ),
        (Strength.SECRET, '"hello" "world"\n"good" "morning"\n', []),
        (Strength.SECRET, '"app" "Blau_wal7"\nand more\n', []),
    ],
)
def test_user_lists(least: Strength, text: str, passwords: list[str]) -> None:
    found = list(find_in_user_list(text, least))
    assert [match.value for match in found] == passwords
    assert all(text.startswith(match.value, match.start) for match in found)
