from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.settings import Settings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "My.Project"\n[tool.fairing-kfp]\nregistry = "from.file/me"\nbase-image = "python:3.11"\n'
        'insecure = ["a:5000"]\n'
    )
    (tmp_path / "deep" / "down").mkdir(parents=True)
    return tmp_path / "deep" / "down"


def test_variables_override_files_and_arguments_override_both(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load(project).registry == "from.file/me"
    monkeypatch.setenv("FAIRING_KFP_REGISTRY", "from.variable/me")
    assert Settings.load(project).registry == "from.variable/me"
    assert Settings.load(project, registry="from.argument/me").registry == "from.argument/me"
    assert Settings.load(project, registry=None).base_image == "python:3.11"


def test_insecure_registries_are_merged(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load(project, insecure=("b",)).insecure == ("a:5000", "b")
    monkeypatch.setenv("FAIRING_KFP_INSECURE", "c,d:80")
    assert Settings.load(project).insecure == ("c", "d:80")


def test_a_dockerfile_is_relative_to_the_file_that_names_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project.parent.parent / "pyproject.toml"
    file.write_text('[tool.fairing-kfp]\nbase-image = "dockerfile:images/Dockerfile"\nbuilder = "docker"\n')
    monkeypatch.chdir(project)

    assert Settings.load(project).base_image == f"dockerfile:{file.parent}/images/Dockerfile"
    assert Settings.load(project, base_image="dockerfile:mine").base_image == f"dockerfile:{project}/mine"
    assert Settings.load(project, base_image="python:3.12").base_image == "python:3.12"
    assert Settings.load(project).builder == "docker"
    monkeypatch.setenv("FAIRING_KFP_BUILDER", "podman")
    assert Settings.load(project).builder == "podman"
    assert Settings.load(project, builder="dry-run").builder == "dry-run"


def test_repository_is_named_after_the_project(project: Path, tmp_path: Path) -> None:
    assert Settings.load(project).repository("pipeline") == "from.file/me/my-project"
    assert Settings(registry="host/me/").repository("My pipeline") == "host/me/my-pipeline"


def test_without_a_registry_the_remedy_names_the_alternatives() -> None:
    with pytest.raises(ConfigError, match="no registry is set") as caught:
        Settings().repository("pipeline")

    assert "--registry" in caught.value.remedy
    assert "FAIRING_KFP_REGISTRY" in caught.value.remedy
    assert "--builder docker" in caught.value.remedy


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('registri = "x"', "unknown setting 'registri' in "),
        ('insecure = "x"', "insecure = 'x' .* wrong type"),
        ("registry = 5", "registry = 5 .* wrong type"),
        ('build = "yes"', "build = 'yes' .* wrong type"),
        ("libc = 2", "libc = 2 .* wrong type"),
        ("registry = ", "not valid TOML"),
    ],
)
def test_unknown_and_mistyped_settings_are_rejected(tmp_path: Path, table: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.fairing-kfp]\n{table}\n")

    with pytest.raises(ConfigError, match=message):
        Settings.load(tmp_path)


@pytest.mark.parametrize(("text", "build"), [("true", True), ("1", True), ("false", False), ("", False)])
def test_build_is_parsed_from_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, build: bool
) -> None:
    monkeypatch.setenv("FAIRING_KFP_BUILD", text)

    assert Settings.load(tmp_path).build is build


def test_a_build_variable_that_is_not_boolean_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRING_KFP_BUILD", "perhaps")

    with pytest.raises(ConfigError, match=r"build = .perhaps. .* wrong type"):
        Settings.load(tmp_path)
