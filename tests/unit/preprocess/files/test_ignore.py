"""Ignore files; tests/integration/test_ignore_docker.py compares them with Docker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.files.ignore import Ignore, Pattern


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a", "a"),
        ("a", "a/b/c"),
        ("/a/", "a/b"),
        ("*.py", "b.py"),
        ("**/*.py", "b.py"),
        ("**/*.py", "d/e/b.py"),
        ("d/**/b", "d/b"),
        ("d/**/b", "d/e/f/b"),
        ("d/**", "d/e/f"),
        ("[a-c]?", "bx"),
        ("[^a]", "b"),
        ("\\*", "*"),
        ("\\!a", "!a"),
        ("[*]", "*"),
        ("[\\]]", "]"),
        ("**.py", "d/b.py"),
        ("d\n!d/a", "d/b"),
        ("!d/a\nd", "d/a"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}a", "a"),
        (" # a", "# a"),
        ("a.b+(c)$", "a.b+(c)$"),
    ],
)
def test_left_out(text: str, place: str) -> None:
    assert Ignore.parse(text).ignores(place)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a", "d/a"),
        ("*.py", "d/b.py"),
        ("d/**", "d"),
        ("**/b", "ab"),
        ("?", "/"),
        ("a?b", "a/b"),
        ("# a", "# a"),
        ("a.b", "axb"),
        ("\\*", "a"),
        ("[*]", "a"),
        ("d\n!d/a", "d/a/b"),
        ("d\n!**/b", "d/e/b"),
        ("../a", "a"),
        (".", "a"),
        ("/", "a"),
        ("\n \n", "a"),
        ("A", "a"),
    ],
)
def test_taken(text: str, place: str) -> None:
    assert not Ignore.parse(text).ignores(place)


@pytest.mark.parametrize("text", ["!", "a\n!  ", "[", "a[]", "[a", "a\\", "[b-a]", "[-a]"])
def test_malformed_patterns_are_named(text: str) -> None:
    with pytest.raises(PackError, match="pattern") as caught:
        Ignore.parse(text)
    assert repr(text.splitlines()[-1].strip()) in caught.value.message


def test_later_rules_win() -> None:
    assert not (Ignore.parse("data") + Ignore.parse("!data/a")).ignores("data/a")
    assert (Ignore.parse("!data/a") + Ignore.parse("data")).ignores("data/a")


names = st.text("ab[]*?\\!^-. é", min_size=1, max_size=6).filter(lambda name: name.strip(". ") == name)
plain = st.lists(names, min_size=1, max_size=4).map("/".join)


def escaped(place: str) -> str:
    return "".join(f"\\{character}" if character in "[]*?\\!-" else character for character in place)


@given(plain, plain)
def test_an_escaped_name_is_that_name_alone(place: str, other: str) -> None:
    pattern = Pattern.parse(escaped(place))
    assert pattern.matches(place)
    assert pattern.matches(other) == (place == other)


@given(st.lists(st.sampled_from(["a", "!a", "*", "!*/b", "**/b", "!**/a", "a/*", "!a/b", "b/**"])), st.data())
def test_a_folder_is_passed_over_only_if_nothing_below_is_taken(lines: list[str], data: st.DataObject) -> None:
    ignore = Ignore.of(lines)
    folder = "/".join(data.draw(st.lists(st.sampled_from("ab"), min_size=1, max_size=2)))
    below = f"{folder}/" + "/".join(data.draw(st.lists(st.sampled_from("ab"), min_size=1, max_size=2)))
    if ignore.ignores(folder) and not ignore.has_exceptions_below(folder):
        assert ignore.ignores(below)
