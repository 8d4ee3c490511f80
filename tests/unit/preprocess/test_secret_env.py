from pathlib import Path

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp import fairing_component
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.pipeline.compile import compile
from fairing_kfp.preprocess.secret_env import SecretKey, references
from tests.support.stand_in_builder import StandInBuilder
from tests.support.yaml_documents import documents


@fairing_component(secrets={"HUB_LOGIN": "hub.example/user.name", "HUB_WORD": "hub.example/word", "OTHER": "other/k"})
def read() -> str:
    import os

    return os.environ["HUB_LOGIN"] + os.environ["HUB_WORD"] + os.environ["OTHER"]


@dsl.pipeline(name="reads")
def reads() -> str:
    first = read()
    return read().after(first).output


def test_every_task_refers_to_its_secrets(cache: Cache) -> None:
    _, platform = documents(compile(reads, builder=StandInBuilder(), cache=cache).text)
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert sorted(executors) == ["exec-read", "exec-read-2"]
    for executor in executors.values():
        assert {entry["secretName"]: entry["keyToEnv"] for entry in executor["secretAsEnv"]} == {
            "hub.example": [
                {"envVar": "HUB_LOGIN", "secretKey": "user.name"},
                {"envVar": "HUB_WORD", "secretKey": "word"},
            ],
            "other": [{"envVar": "OTHER", "secretKey": "k"}],
        }


def test_a_run_here_takes_them_from_its_environment(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HUB_LOGIN", "HUB_WORD"):
        monkeypatch.setenv(name, f"value of {name} ")
    monkeypatch.delenv("OTHER", raising=False)
    with pytest.raises(ConfigError, match=r"read needs OTHER, which is not set here; .* from the Secret 'other'"):
        fairing_kfp.run(reads, output=tmp_path, cache=cache, on_event=lambda event: None)
    assert not list(tmp_path.glob("reads-*"))
    monkeypatch.setenv("OTHER", "too")
    done = fairing_kfp.run(reads, output=tmp_path, cache=cache, on_event=lambda event: None)
    assert done.outputs["Output"] == "value of HUB_LOGIN value of HUB_WORD too"


@pytest.mark.parametrize(
    "secrets",
    [
        {"A": "no-key"},
        {"A": "Upper/key"},
        {"A": "name/key/more"},
        {"A": "name/"},
        {"A B": "name/key"},
        {"A": 3},
        {"1A": "name/key"},
    ],
)
def test_what_is_no_reference_is_refused_and_not_repeated(secrets: dict[str, str]) -> None:
    with pytest.raises(ComponentError, match=r"must map a variable to a key") as raised:
        references("step", secrets)
    assert not any(value in str(raised.value) for value in secrets.values() if isinstance(value, str))


def test_references() -> None:
    assert references("step", {"A": "a.b-c/d_e.F"}) == {"A": SecretKey("a.b-c", "d_e.F")}
