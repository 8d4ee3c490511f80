"""Extra files of a component, at paths in its image."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.errors import PackError, SecretError
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.files.extra import extra_files

HIGH = "q8Zk2vX9pLm3" + "RtY7"
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
WORKING = "opt/fairing/code/files"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for place in ("conf/a.yaml", "conf/b.yaml", "conf/deep/c.yaml", "data/x.csv", "run.sh"):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(place)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "s.yaml").write_text("shared")
    return folder


@pytest.mark.parametrize(
    ("source", "place", "found"),
    [
        ("conf/a.yaml", "/etc/app/a.yaml", ["etc/app/a.yaml"]),
        ("conf/a.yaml", "/etc/app/", ["etc/app/a.yaml"]),
        ("conf/a.yaml", "other.yaml", [f"{WORKING}/other.yaml"]),
        ("conf/a.yaml", "./", [f"{WORKING}/a.yaml"]),
        ("conf", "/etc/app", ["etc/app/a.yaml", "etc/app/b.yaml", "etc/app/deep/c.yaml"]),
        ("conf/", "/etc/app/", ["etc/app/a.yaml", "etc/app/b.yaml", "etc/app/deep/c.yaml"]),
        ("conf/*.yaml", "/etc/app", ["etc/app/a.yaml", "etc/app/b.yaml"]),
        ("conf/**/c.yaml", "/etc/app", ["etc/app/deep/c.yaml"]),
        ("**/c.yaml", "/etc/app", ["etc/app/conf/deep/c.yaml"]),
        ("../shared/s.yaml", "/etc/s.yaml", ["etc/s.yaml"]),
        ("../shared", "/etc/shared", ["etc/shared/s.yaml"]),
        ("../shared/*.yaml", "shared", [f"{WORKING}/shared/s.yaml"]),
        ("data", "/", ["x.csv"]),
    ],
)
def test_places(folder: Path, source: str, place: str, found: list[str]) -> None:
    result = extra_files({source: place}, folder)
    assert [file.path for file in result] == found
    layer_of_files("code", result)


def test_absolute_sources(folder: Path) -> None:
    (file,) = extra_files({str(folder.parent / "shared" / "s.yaml"): "/etc/s.yaml"}, folder)
    assert (file.path, file.data) == ("etc/s.yaml", b"shared")
    (found,) = extra_files({str(folder.parent / "shared" / "*.yaml"): "/etc"}, folder)
    assert found.path == "etc/s.yaml"


def test_order_of_the_mapping_changes_nothing(folder: Path) -> None:
    one = {"conf": "/etc/app", "data": "data"}
    assert extra_files(one, folder) == extra_files(dict(reversed(one.items())), folder)


def test_ignore_files_of_the_component_hold(folder: Path) -> None:
    (folder / ".fairingignore").write_text("conf/b.yaml\n**/deep\n")
    assert [file.path for file in extra_files({"conf": "/etc/app"}, folder)] == ["etc/app/a.yaml"]


def test_executable_files_stay_so(folder: Path) -> None:
    (folder / "run.sh").chmod(0o700)
    modes = {file.path: file.mode for file in extra_files({"run.sh": "/usr/bin/", "data": "data"}, folder)}
    assert modes == {"usr/bin/run.sh": 0o755, f"{WORKING}/data/x.csv": 0o644}


@pytest.mark.parametrize(
    "place",
    [
        *("/opt/fairing/runtime/step.py", "/opt/fairing", "/opt", "/opt/fairing/code/function.pickle"),
        *("/proc/x", "/sys/x", "/dev/null", "/etc/hosts", "/tmp/x", "/var/run/x", "/bin/x", "/lib/x.so"),
        "/opt/fairing/code/files",
    ],
)
def test_places_that_are_taken(folder: Path, place: str) -> None:
    with pytest.raises(PackError, match=r"puts 'run\.sh' at /") as caught:
        extra_files({"run.sh": place}, folder)
    assert caught.value.remedy


@pytest.mark.parametrize("place", ["", "../x", "/etc/../opt/fairing/x", "a\0b", "a\nb"])
def test_places_that_are_none(folder: Path, place: str) -> None:
    with pytest.raises(PackError, match=r"cannot put 'run\.sh'"):
        extra_files({"run.sh": place}, folder)


def test_a_folder_at_the_root_reaches_no_place_of_ours(folder: Path) -> None:
    path = folder / "root/opt/fairing/runtime/step.py"
    path.parent.mkdir(parents=True)
    path.write_text("x")
    with pytest.raises(PackError, match="reserved for fairing-kfp"):
        extra_files({"root": "/"}, folder)


def test_two_sources_of_one_place(folder: Path) -> None:
    with pytest.raises(PackError, match=r"both 'conf' and 'data/x\.csv' at /etc/app/a\.yaml"):
        extra_files({"conf": "/etc/app", "data/x.csv": "/etc/app/a.yaml"}, folder)
    with pytest.raises(PackError, match=r"both a file \('run\.sh'\) and a folder"):
        extra_files({"conf": "/etc/app", "run.sh": "/etc/app"}, folder)


@pytest.mark.parametrize(
    ("source", "near"),
    [
        ("conf/a.yml", "conf/a.yaml"),
        ("cnf", "conf"),
        ("../shared/t.yaml", "s.yaml"),
        ("conf/*.txt", ""),
        ("../no/x", ""),
    ],
)
def test_missing_sources(folder: Path, source: str, near: str) -> None:
    with pytest.raises(PackError) as caught:
        extra_files({source: "/etc/app"}, folder)
    assert source.removeprefix("../shared/") in caught.value.message
    assert near in caught.value.remedy


def test_links_of_a_source_may_not_leave(folder: Path) -> None:
    (folder / "conf" / "link").symlink_to(folder.parent / "shared")
    with pytest.raises(PackError, match=r"conf/link.* points outside"):
        extra_files({"conf": "/etc/app"}, folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", f"key {TOKEN}"),
        ("a.bin", f"\0\1\2{TOKEN}"),
        ("a.py", f"token = '{HIGH}'"),
        ("a.yaml", f"db:\n  password: {HIGH}\n"),
        ("a.json", f'{{"api-key": "{HIGH}"}}'),
        ("a.toml", f'secret = "{HIGH}"'),
        ("a.sh", f"export API_TOKEN={HIGH}\n"),
        ("a.ini", "index-url = https://me:" + "hunter22@example.com/simple"),
        ("key.txt", "-----BEGIN RSA " + "PRIVATE KEY-----\nMII"),
    ],
)
def test_secrets_are_refused_also_when_named(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(SecretError, match=f"step: /etc/app/{name} contains") as caught:
        Bundle("step", (), placed=extra_files({name: "/etc/app/"}, folder))
    assert HIGH not in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.yaml", b"tokenizer: bert-base-uncased-Version2\npad_token: '<|endoftext|>'\npassword: ${PASSWORD}\n"),
        ("a.csv", b"url\nhttps://example.com/a:b\n"),
        ("a.bin", b"\0" + bytes(range(256)) * 99),
        ("ca.pem", b"-----BEGIN CERTIFICATE-----\nMII"),
    ],
)
def test_what_is_no_secret(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    (file,) = Bundle("step", (), placed=extra_files({name: "/etc/app/"}, folder)).placed
    assert file.data == content
