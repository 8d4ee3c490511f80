"""libyaml and PyYAML write the same bytes."""

from __future__ import annotations

import copy
import random
import string
from typing import Any

import pytest
import yaml

from fairing_kfp.pipeline import yaml_text as module
from fairing_kfp.pipeline.yaml_text import yaml_text

_VALUES = (0, -3, 1.5, 1e20, float("inf"), None, True, {}, [])
_ANY = [*string.ascii_letters, *string.punctuation, *" " * 30, *"\n\n\n\t\ré…😀\x85\x00\u2028\ufeff"]
_PLAIN, _ASCII = "abcXYZ -:_/.{}", string.printable[:95]


def _text(choice: random.Random) -> str:
    alphabet, lengths = choice.choice(
        [(_PLAIN, (0, 1, 5, 20)), (_PLAIN, (1, 5, 20)), (_ASCII, (1, 80, 130, 300)), (_ANY, (1, 3, 10, 80, 300))]
    )
    return "".join(choice.choices(alphabet, k=choice.choice(lengths)))


def _value(choice: random.Random, depth: int = 0) -> Any:
    kind = choice.random()
    if depth > 5 or kind < 0.4:
        return choice.choice([_text(choice), _text(choice), copy.deepcopy(choice.choice(_VALUES))])
    if kind < 0.8:
        return {_text(choice): _value(choice, depth + 1) for _ in range(choice.choice((0, 1, 2, 4)))}
    return [_value(choice, depth + 1) for _ in range(choice.choice((0, 1, 3)))]


@pytest.mark.parametrize("seed", range(8))
def test_documents_are_written_as_pyyaml_writes_them(seed: int) -> None:
    choice = random.Random(seed)
    for _ in range(25):
        document = {_text(choice): _value(choice) for _ in range(choice.randrange(4))}
        assert yaml_text(document) == yaml.dump(document, sort_keys=True)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"a": {"b": {}}, "c": []},
        {"a": {"b": "two\nlines", "c": 1}, "d": 2},
        {"a": [{"b": "two\nlines " * 20}], "d": {"e": {"f": "é" * 90}}},
        {"": 1, "a" * 200: {"b": "x\n"}, "?": {"-": "\n"}},
        {"a": "null", "b": "1", "c": "~", "d": "x: null", "null": {"e": "\n"}},
        {"a": {"x": {"x": {"x": {"x": "\n" * 90}}}}},
        {"on": "no", "=": "<<", "a": "# b", "c": " d ", "e": "f #"},
    ],
)
def test_edges(document: dict[str, Any]) -> None:
    assert yaml_text(document) == yaml.dump(document, sort_keys=True)


def test_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FAST", yaml.Dumper)
    document = {"a": {"b": "two\nlines", "c": 1}, "d": 2}
    assert yaml_text(document) == yaml.dump(document, sort_keys=True)
