"""The files of a folder that go into an image."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.files import selection
from fairing_kfp.preprocess.files.ignore import Ignore
from fairing_kfp.preprocess.files.selection import Selection

Write = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def write(root: Path) -> Write:
    def write(*places: str, text: str = "x") -> Path:
        for place in places:
            path = root / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    return write


def places(root: Path, *include: str, exclude: tuple[str, ...] = ()) -> list[str]:
    return list(Selection(root, include, exclude).files())


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("a.py", ["a.py"]),
        ("./conf//a.yaml", ["conf/a.yaml"]),
        ("*.py", ["a.py", "b.py"]),
        ("**/*.py", ["a.py", "b.py", "src/c.py", "src/deep/d.py"]),
        ("src/**/*.py", ["src/c.py", "src/deep/d.py"]),
        ("src", ["src/c.py", "src/deep/d.py", "src/deep/e.txt"]),
        ("src/", ["src/c.py", "src/deep/d.py", "src/deep/e.txt"]),
        ("src/*", ["src/c.py", "src/deep/d.py", "src/deep/e.txt"]),
        ("s*/deep", ["src/deep/d.py", "src/deep/e.txt"]),
        ("conf/[a-b].y?ml", ["conf/a.yaml"]),
        (".", ["a.py", "b.py", "conf/a.yaml", "odd[1].csv", "src/c.py", "src/deep/d.py", "src/deep/e.txt"]),
        ("odd[1].csv", ["odd[1].csv"]),
    ],
)
def test_include(write: Write, item: str, found: list[str]) -> None:
    root = write("b.py", "a.py", "conf/a.yaml", "src/c.py", "src/deep/d.py", "src/deep/e.txt", "odd[1].csv")
    assert places(root, item) == found


def test_nothing_is_taken_unasked(write: Write) -> None:
    assert places(write("a")) == []


def test_order_and_repetition_of_include_change_nothing(write: Write) -> None:
    root = write("a", "d/b", "d/c")
    assert places(root, "d", "a", "d/b") == places(root, "a", "d/*") == ["a", "d/b", "d/c"]


def test_ignore_files_hold_for_folders_and_globs_and_not_for_names(write: Write) -> None:
    root = write("data/a.csv", "data/keep.csv", "note.log", "x.tmp", "y.tmp")
    write(".dockerignore", text="data\n!data/keep.csv\n*.log\n*.tmp\n")
    write(".fairingignore", text="!y.tmp\n")
    assert places(root, ".") == ["data/keep.csv", "y.tmp"]
    assert places(root, "*.tmp") == ["y.tmp"]
    assert places(root, "data") == ["data/keep.csv"]
    assert places(root, "note.log", "data/a.csv") == ["data/a.csv", "note.log"]


TREE = ("a", "b.py", "d/a", "d/b.py", "d/e/a", "d/e/b.py", "e/d/a", "e/d/e/f")
lines = st.builds(
    lambda sign, names: sign + "/".join(names),
    st.sampled_from(["", "!"]),
    st.lists(st.sampled_from(["a", "b.py", "d", "e", "f", "*", "**", "?", "*.py", "[d-e]"]), min_size=1, max_size=3),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for place in TREE:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).touch()
    return root


@given(ignored=st.lists(lines, max_size=5), exclude=st.lists(lines, max_size=3))
def test_folders_that_are_passed_over_hold_nothing(tree: Path, ignored: list[str], exclude: list[str]) -> None:
    (tree / ".dockerignore").write_text("\n".join(ignored))
    rules = Ignore.of(ignored), Ignore.of(exclude)
    left = [place for place in TREE if not any(rule.ignores(place) for rule in rules)]
    if left:
        assert places(tree, ".", exclude=tuple(exclude)) == left
    else:
        with pytest.raises(PackError, match="left out"):
            places(tree, ".", exclude=tuple(exclude))


def test_ignore_files_count_from_the_root(write: Write) -> None:
    root = write("d/a", "d/e/a", "d/e/b")
    write(".dockerignore", text="d/e/a\n")
    assert places(root, "d/e") == ["d/e/b"]
    assert places(root, "d/*/*") == ["d/e/b"]


def test_exclude_is_strongest(write: Write) -> None:
    root = write("a.py", "b.py", "d/c.py")
    write(".fairingignore", text="!b.py\n")
    assert places(root, ".", exclude=("b.py", "d")) == ["a.py"]
    assert places(root, "*.py", "d", exclude=("*", "!a.py", "!d/c*")) == ["a.py", "d/c.py"]
    with pytest.raises(PackError, match=r"left out, first b\.py \(by exclude=\)"):
        places(root, "b.py", exclude=("*.py",))


@pytest.mark.parametrize(
    "place",
    [
        *(".git/config", "sub/.git", ".hg/x", ".svn/x", "__pycache__/a.pyc", "a.pyc", ".mypy_cache/x"),
        *(".venv/x", "envs/own/pyvenv.cfg", "envs/conda/conda-meta/x", "node_modules/x/y.js", ".cache/x", ".tox/x"),
        *(".env", ".env.local", "server.pem", "d/tls.key", "a.p12", "a.PFX", "id_rsa", "id_ed25519.pub", ".netrc"),
        *(".pypirc", ".aws/credentials", ".ssh/config", ".docker/config.json", ".kube/config", "kubeconfig"),
        *("credentials.json", ".git-credentials", "local_outputs/x", ".fairing/x", ".DS_Store", ".#lock"),
        *(".dockerignore", ".ipynb_checkpoints/a.ipynb"),
    ],
)
def test_safe_defaults(write: Write, place: str) -> None:
    root = write("a.py", place)
    write(".fairingignore", text="!**\n")
    assert places(root, ".") == ["a.py"]
    assert places(root, "**/*") == ["a.py"]
    assert place in places(root, place)  # named


def test_a_named_folder_lifts_its_own_default_alone(write: Write) -> None:
    root = write("node_modules/a.js", "node_modules/.cache/b")
    assert places(root, "node_modules") == ["node_modules/a.js"]


def test_key_files_are_known_by_their_content(write: Write) -> None:
    root = write("a.json")
    write("robot.json", text='{"type": "service_account", "private_key": "…"}')
    assert places(root, ".") == ["a.json"]


def test_links_inside_become_what_they_point_to(write: Write) -> None:
    root = write("real/a.py", "b.py")
    (root / "linked").symlink_to("real")
    (root / "c.py").symlink_to(root / "b.py")
    assert places(root, ".") == ["b.py", "c.py", "linked/a.py", "real/a.py"]
    assert places(root, "linked/a.py", "c.py") == ["c.py", "linked/a.py"]
    assert Selection(root, ("c.py",)).files()["c.py"] == root / "b.py"


def test_a_root_may_be_a_link(write: Write, tmp_path: Path) -> None:
    root = write("a.py")
    (tmp_path / "link").symlink_to(root)
    assert places(tmp_path / "link", ".") == ["a.py"]


@pytest.mark.parametrize("item", [".", "link", "link/a", "l*"])
def test_links_that_leave_are_refused_by_name(write: Write, tmp_path: Path, item: str) -> None:
    root = write("a.py")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a").write_text("x")
    (root / "link").symlink_to("../other")
    with pytest.raises(PackError, match=r"root/link.* points outside .*other"):
        places(root, item)


def test_links_that_leave_may_be_ignored(write: Write, tmp_path: Path) -> None:
    root = write("a.py")
    (root / "link").symlink_to(tmp_path)
    write(".fairingignore", text="link\n")
    assert places(root, ".") == ["a.py"]


def test_a_link_to_what_is_left_out_is_left_out(write: Write) -> None:
    root = write("a.py", ".env", ".aws/x")
    (root / "settings").symlink_to(".env")
    (root / "keys").symlink_to(".aws")
    assert places(root, ".") == ["a.py"]


@pytest.mark.parametrize("target", ["missing", "link"])
def test_dead_links(write: Write, target: str) -> None:
    root = write("a.py")
    (root / "link").symlink_to(target)
    with pytest.raises(PackError, match=r"root/link is broken"):
        places(root, ".")
    assert places(root, "*.py") == ["a.py"]


@pytest.mark.parametrize(
    ("links", "item"),
    [
        ({"d/e/up": "../../d"}, "."),
        ({"d/e/up": "../.."}, "d/e"),
        ({"d/e/up": "."}, "**/*.py"),
        ({"d/e/up": "../../f", "f/up": "../d"}, "d"),
    ],
)
def test_loops(write: Write, links: dict[str, str], item: str) -> None:
    root = write("d/e/a.py", "f/b.py")
    for link, target in links.items():
        (root / link).symlink_to(target)
    with pytest.raises(PackError, match=r"/up points to a folder above it"):
        places(root, item)


def test_what_no_layer_can_hold(write: Write) -> None:
    root = write("a.py")
    os.mkfifo(root / "pipe")
    with pytest.raises(PackError, match=r"root/pipe is neither a file nor a folder"):
        places(root, ".")
    (root / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "s"))
        with pytest.raises(PackError, match=r"root/s is neither a file nor a folder"):
            places(root, "s")


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Makes the process another user's, as root reads everything."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def locked() -> Iterator[Path]:
    """A folder that everyone may list, with a file and a folder that nobody may read."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        root = Path(name).resolve()
        root.chmod(0o755)
        (root / "a.py").write_text("x")
        (root / "b.py").write_text("x")
        (root / "d").mkdir()
        (root / "a.py").chmod(0)
        (root / "d").chmod(0)
        yield root
        (root / "d").chmod(0o700)


def test_unreadable(locked: Path, unprivileged: None) -> None:
    with pytest.raises(PackError, match=r"cannot read .*a\.py"):
        places(locked, ".")
    with pytest.raises(PackError, match=r"cannot read .*a\.py"):
        places(locked, "a.py")
    with pytest.raises(PackError, match=r"cannot read the folder .*/d:"):
        places(locked, "d")
    assert places(locked, ".", exclude=("d", "a.py", "!b.py")) == ["b.py"]
    assert places(locked, "*.py", exclude=("a*",)) == ["b.py"]


@pytest.mark.parametrize(
    ("item", "remedy"),
    [
        ("conf/*.yml", "conf/a.yaml"),
        ("cofn", "conf"),
        ("conf/a.yml", "conf/a.yaml"),
        ("nothing/like/it", "relative to that folder"),
        ("empty", "relative"),
    ],
)
def test_what_finds_nothing_is_named(write: Write, item: str, remedy: str) -> None:
    root = write("conf/a.yaml")
    (root / "empty").mkdir()
    with pytest.raises(PackError, match=r"finds no file in .*root") as caught:
        places(root, item)
    assert repr(item) in caught.value.message
    assert remedy in caught.value.remedy


def test_what_is_wholly_left_out_is_said(write: Write) -> None:
    root = write("data/a.csv", "keys/a.pem")
    write(".dockerignore", text="data\n")
    with pytest.raises(PackError, match=r"first data/a\.csv \(by an ignore file\)"):
        places(root, "data")
    with pytest.raises(PackError, match=r"first keys/a\.pem \(by default\)"):
        places(root, "keys/*")


@pytest.mark.parametrize("item", ["../other", "a/../../other", "/etc/passwd", ".."])
def test_include_stays_inside(write: Write, item: str) -> None:
    with pytest.raises(PackError, match="outside") as caught:
        places(write("a"), item)
    assert "files=" in caught.value.remedy


def test_malformed_ignore_files_are_named(write: Write) -> None:
    root = write("a")
    write(".dockerignore", text="a[\n")
    with pytest.raises(PackError, match=r"root/\.dockerignore: the pattern 'a\['"):
        places(root, ".")
    (root / ".dockerignore").write_bytes(b"\xff\xfe")
    with pytest.raises(PackError, match=r"cannot read .*root/\.dockerignore"):
        places(root, ".")


def test_too_large(write: Write) -> None:
    root = write("a.py", "data/a", "data/b", "more/c")
    for place, size in {"data/a": 0.8e9, "data/b": 0.4e9, "more/c": 0.2e9}.items():
        os.truncate(root / place, int(size))  # a hole: it takes no room
    with pytest.raises(PackError, match=r"1\.40 GB \(data/ 1\.20 GB, more/ 0\.20 GB, a\.py") as caught:
        places(root, ".")
    assert ".fairingignore" in caught.value.remedy
    assert places(root, ".", exclude=("data/a",)) == ["a.py", "data/b", "more/c"]


def test_too_many(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "_MAX_FILES", 3)
    root = write("a", "b", "c")
    assert places(root, ".") == ["a", "b", "c"]
    write("d")
    with pytest.raises(PackError, match="more than 3 files"):
        places(root, ".")
