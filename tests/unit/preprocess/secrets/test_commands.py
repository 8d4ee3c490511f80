"""Passwords in commands and statements."""

from __future__ import annotations

import pytest

from fairing_kfp.preprocess.secrets.commands import find_in_commands
from tests.support.made_up_secrets import HIGH


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("curl -u me:hunter2 https://x", "hunter2"),
        ("curl --user 'me:hunter2' https://x", "hunter2"),
        ("http -a me:hunter2 GET example.com", "hunter2"),
        ("mysqldump -u me -phunter2 x", "hunter2"),
        ("mongosh -u me -p hunter2 db", "hunter2"),
        ("sqlcmd -S db -U sa -P hunter2", "hunter2"),
        ("sqlplus me/hunter2@db", "hunter2"),
        ("sshpass -p hunter2 ssh me@h", "hunter2"),
        ("docker login -u me -p hunter2 registry.internal", "hunter2"),
        ("echo hunter2 | docker login -u me --password-stdin registry.internal", "hunter2"),
        (f"wandb login {HIGH}", HIGH),
        ("zip -P hunter2 a.zip b", "hunter2"),
        ("cqlsh -u me -p hunter2 10.0.0.4", "hunter2"),
        ("mosquitto_pub -u me -P 'hunter2' -t x", "hunter2"),
        ("ssh-keygen -t rsa -N hunter2", "hunter2"),
        ("openssl enc -aes-256-cbc -k hunter2 -in a", "hunter2"),
        ('DriverManager.getConnection(url, "me", "hunter2")', "hunter2"),
        ("echo 'me:hunter2' | chpasswd", "hunter2"),
        ('new NetworkCredential("me", "hunter2")', "hunter2"),
        ('new UsernamePasswordCredentials("me", "hunter2")', "hunter2"),
        ("new PDO('mysql:host=db', 'me', 'hunter2')", "hunter2"),
        ("smbclient //server/share -U me%hunter2", "hunter2"),
        ("CREATE USER me IDENTIFIED BY 'hunter2'", "hunter2"),
        ("SET PASSWORD FOR me = PASSWORD('hunter2')", "hunter2"),
    ],
)
def test_passwords(text: str, password: str) -> None:
    (match,) = find_in_commands(text)
    assert match.value == password
    assert text[match.start :].startswith(password)


@pytest.mark.parametrize(
    "text",
    [
        "curl -u $USER:$PASSWORD x",
        "docker login -u me -p $TOKEN registry",
        "docker login -u me --password-stdin registry",
        "echo $TOKEN | docker login --password-stdin",
        "wandb login --relogin",
        "gh auth login --with-token",
        "mysql -u me -p db",
        "each user is identified by their name1",
        "zip -r a.zip b",
        "docker run -u 1000:1000 -p 8080:80 x",
        "docker run --user me:staff x",
        "psql -U me -p 5432 db",
        "useradd -u 1000 me; mkdir -p build/x",
        "getConnection(url, user, password)",
        "date -u +%Y-%m-%dT%H:%M:%SZ",
    ],
)
def test_harmless_texts(text: str) -> None:
    assert list(find_in_commands(text)) == []
