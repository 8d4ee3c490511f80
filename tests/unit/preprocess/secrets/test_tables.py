"""Columns of tables."""

from __future__ import annotations

import pytest

from fairing_kfp.preprocess.secrets.tables import find_in_grid, find_in_markup, find_in_table


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("user,password\nme,hunter2\nyou,\n", ","),
        ('user,"password"\n,"hunter2"\n', ","),
        ("user\tpassword\nme\thunter2\n", "\t"),
        ("# A\n\n| user | password |\n| --- | --- |\n| me | hunter2 |\n", "|"),
    ],
)
def test_credentials_in_columns(text: str, separator: str) -> None:
    (match,) = find_in_table(text, separator)
    assert (match.name, match.value) == ("password", "hunter2")
    assert text[: match.start].count("\n") == text[: text.index("hunter2")].count("\n")


def test_other_columns() -> None:
    assert list(find_in_table("token,count\nhello,3\n", ",")) == []
    assert list(find_in_table("| name | what |\n| password | of the user |\n", "|")) == []


@pytest.mark.parametrize(
    "text",
    [
        "<table><tr><th>user<th>password</tr><tr><td>me<td>hunter2</tr></table>",
        '<TABLE class="dataframe"><thead><tr>\n<th></th>\n<th>password</th></tr></thead>\n'
        "<tbody><tr><th>0</th>\n<td><b>hunter2</b></td></tr></tbody></TABLE>",
        "<table><tr><td>user</td><td>me</td></tr><tr><td>password</td><td>hunter2</td></tr></table>",
    ],
)
def test_credentials_in_tables_of_html(text: str) -> None:
    (match,) = find_in_markup(text)
    assert (match.name, match.value) == ("password", "hunter2")
    assert text.startswith("hunter2", match.start)


def test_credentials_in_printed_tables() -> None:
    (match,) = find_in_grid("+----+--------+\n|user|password|\n+----+--------+\n|  me| hunter2|\n+----+--------+\n")
    assert (match.name, match.value) == ("password", "hunter2")


@pytest.mark.parametrize(
    "text",
    [
        "<table><tr><th>word</th><th>token</th></tr><tr><td>hello</td><td>15496</td></tr></table>",
        "<table><tr><th>user</th><th>password</th></tr><tr><td>me</td><td>not set</td></tr></table>",
        "<p>password</p><p>hunter2</p>",
    ],
)
def test_harmless_tables_of_html(text: str) -> None:
    assert list(find_in_markup(text)) == []
