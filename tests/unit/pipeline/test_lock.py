"""`lock`, and lock files of compiled pipelines, in Python and by the command."""

import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.cli import main
from fairing_kfp.dependencies.pipeline_lock import PipelineLock
from fairing_kfp.errors import ConfigError, DependencyError, LockError
from fairing_kfp.local.image import unpacked_image
from fairing_kfp.pipeline.lock import Change
from fairing_kfp.preprocess.source import components
from fairing_kfp.settings import Settings
from tests.support.stand_in_builder import StandInBuilder

PIPELINE = """
    from kfp import dsl
    from fairing_kfp import fairing_component

    @fairing_component(packages=["ant"])
    def dig(depth: int) -> int:
        return depth

    @fairing_component(packages=["ant", "bee"], platforms=["linux/amd64", "linux/arm64"])
    def fly(depth: int) -> int:
        return depth

    @fairing_component
    def rest(depth: int) -> int:
        return depth

    @dsl.pipeline(name="garden")
    def garden(depth: int = 1):
        dig(depth=depth)
        fly(depth=depth)
        rest(depth=depth)
"""


def lock(file, **options):
    return fairing_kfp.lock(fairing_kfp.load_pipeline(str(file)), **options)


def command(*words) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


def test_compiling_writes_the_lock_file_and_explaining_does_not(shelf, file, tmp_path):
    shelf.wheel("ant")
    shelf.wheel("bee")
    pipeline = fairing_kfp.load_pipeline(str(file))
    fairing_kfp.explain(pipeline)
    assert list(file.parent.glob("*.lock")) == []
    options = {"builder": f"layout:{tmp_path / 'layout'}", "base_image": "127.0.0.1:9/none"}
    with pytest.raises(fairing_kfp.FairingError, match=r"127\.0\.0\.1:9"):  # what is kept is kept by then
        fairing_kfp.compile(pipeline, **options)
    assert (file.parent / "fairing.lock").read_text().count("[[locked]]") == 3


def test_explaining_shows_locked_versions(shelf, file):
    shelf.wheel("ant")
    shelf.wheel("bee")
    lock(file, cache=Cache(file.parent / "one"))
    shelf.wheel("ant", "1.1")
    found = fairing_kfp.explain(fairing_kfp.load_pipeline(str(file)), cache=Cache(file.parent / "other"))
    assert {pin for item in found for pin in item.recipe.packages} == {"ant==1.0", "bee==1.0"}


def test_the_command_prints_the_changes(shelf, file):
    shelf.wheel("ant", "1.0")
    shelf.wheel("bee", "1.0", needs=["cow"])
    shelf.wheel("cow")
    first = command("lock", file)
    assert "+ ant 1.0  linux/amd64\n+ ant 1.0  linux/arm64\n+ bee 1.0  linux/amd64" in first
    assert "unchanged" in command("lock", file)
    shelf.wheel("ant", "1.1")
    shelf.wheel("bee", "1.1")
    second = command("lock", file, "--upgrade", "bee")
    assert "~ bee 1.0 → 1.1  linux/amd64" in second
    assert "- cow 1.0  linux/amd64" in second
    assert "ant 1" not in second
    assert "~ ant 1.0 → 1.1  linux/arm64" in command("lock", file, "--upgrade")


def test_names_without_upgrade_are_rejected(file):
    done = CliRunner().invoke(main, ["lock", str(file), "ant"])
    assert done.exit_code == 2
    assert "--upgrade ant" in done.output


def test_an_unknown_package_is_rejected(shelf, file):
    shelf.wheel("ant")
    shelf.wheel("bee")
    lock(file)
    with pytest.raises(DependencyError, match="cannot upgrade wasp: it is not in"):
        lock(file, upgrade=["wasp"])
    with pytest.raises(ConfigError, match=r"upgrade=\['ant'\]"):
        lock(file, upgrade="ant")


def test_the_result(shelf, file):
    shelf.wheel("ant")
    shelf.wheel("bee")
    done = lock(file)
    assert (done.path, done.entries) == (file.parent / "fairing.lock", 3)
    assert done.changes[0] == Change("ant", "linux/amd64", (), ("1.0",))
    assert lock(file).changes == ()
    path = file.parent / "fairing.lock"
    path.write_text(path.read_text().replace(f'python = "3.{sys.version_info[1]}"', 'python = "3.99"'))
    assert [change.name for change in lock(file).changes] == ["ant", "ant", "bee", "bee"]  # of another Python nothing
    assert lock(file).changes == ()


def test_a_damaged_file_stops_everything(file, no_uv):
    no_uv()
    (file.parent / "fairing.lock").write_text("version = 1\n<<<<<<< ours\n")
    pipeline = fairing_kfp.load_pipeline(str(file))
    for verb in (fairing_kfp.lock, fairing_kfp.explain, fairing_kfp.compile, fairing_kfp.run):
        with pytest.raises(LockError, match="line 2"):
            verb(pipeline)


def test_a_file_that_cannot_be_written_is_an_error(shelf, file):
    shelf.wheel("ant")
    shelf.wheel("bee")
    with pytest.raises(ConfigError, match=r"cannot write .*nowhere/fairing\.lock"):
        lock(file, lock="nowhere/fairing.lock")


def test_a_local_run_uses_the_versions_of_the_image(shelf, file, cache, no_uv):
    shelf.wheel("ant", "1.0")
    shelf.wheel("bee", "1.0")
    lock(file)
    for version in ("1.1", "1.2"):
        shelf.wheel("ant", version)
    text = (file.parent / "fairing.lock").read_text()
    source = next(one for one in components() if one.name == "dig" and one.packages == ("ant",))
    locks = PipelineLock(cache, file.parent / "fairing.lock")
    assert unpacked_image(source, Settings(), cache, locks).warnings == ()
    (shelf.folder / "ant-1.0-py3-none-any.whl").unlink()
    warned = unpacked_image(source, Settings(), Cache(cache.root / "other"), locks).warnings
    assert warned == ("dig runs with ant 1.2 instead of 1.0: fairing.lock's versions have no wheel for this machine",)
    assert (file.parent / "fairing.lock").read_text() == text
    unlocked = replace(source, packages=("bee",))
    assert unpacked_image(unlocked, Settings(), cache, locks).warnings == ()


def test_versions_that_were_passed_over_are_a_warning_of_every_command(shelf, file, cache):
    shelf.wheel("ant", "1.0")
    shelf.wheel("ant", "2.0", needs=["nut"])
    shelf.source("nut")
    shelf.wheel("bee")
    expected = "ant 1.0 was chosen, not 2.0: for newer versions nut has no wheel for it, only a source distribution"
    pipeline = fairing_kfp.load_pipeline(str(file))

    warnings = fairing_kfp.compile(pipeline, builder=StandInBuilder(), cache=cache).warnings
    assert [expected in warning for warning in warnings] == [True, True]  # for each platform
    (file.parent / "fairing.lock").unlink()
    assert f"warning: packages for Python 3.{sys.version_info[1]}" in command("lock", file)
    source = next(one for one in components() if one.name == "dig" and one.packages == ("ant",))
    (warning,) = unpacked_image(source, Settings(), cache, PipelineLock(cache)).warnings
    assert expected in warning


@pytest.fixture
def bases(monkeypatch):
    """The digests that base images have in their registry, by reference."""
    found = {}
    monkeypatch.setattr("fairing_kfp.builders.bases.Bases.digest", lambda _, reference: found[str(reference)])
    return found


def images(file, **options) -> set[str]:
    described = fairing_kfp.explain(fairing_kfp.load_pipeline(str(file)), **options)
    return {str(one.base) for item in described for one in item.recipe.image.images}


ONE, TWO = (f"sha256:{digit * 64}" for digit in "12")
BASE, NAME = "registry.example.com/python:3.11", "registry.example.com/python"


def test_base_images_are_locked_by_digest_and_renewed_by_upgrade(shelf, file, bases):
    shelf.wheel("ant")
    shelf.wheel("bee")
    options = {"base_image": BASE, "registry": "registry.example.com/me"}
    bases[BASE] = ONE
    assert Change(BASE, "", (), (ONE,)) in lock(file, **options).changes
    assert f'[[base]]\nimage = "{BASE}"\ndigest = "{ONE}"\npipelines = ["garden"]\n' in (
        (file.parent / "fairing.lock").read_text()
    )
    assert images(file, base_image=BASE) == {f"{NAME}@{ONE}"}

    bases[BASE] = TWO
    assert lock(file, **options).changes == ()
    assert lock(file, upgrade=["ant"], **options).changes == ()
    assert images(file, base_image=BASE) == {f"{NAME}@{ONE}"}
    assert lock(file, upgrade=True, **options).changes == (Change(BASE, "", (ONE,), (TWO,)),)
    assert images(file, base_image=BASE) == {f"{NAME}@{TWO}"}

    other = "registry.example.com/other:1"
    bases[other] = ONE
    assert lock(file, **{**options, "base_image": other}).changes == (
        Change(other, "", (), (ONE,)),
        Change(BASE, "", (TWO,), ()),
    )


def test_bases_that_need_no_lock(shelf, file, bases):
    shelf.wheel("ant")
    shelf.wheel("bee")
    pinned = f"{NAME}@{ONE}"
    lock(file, base_image=pinned, registry="registry.example.com/me")
    lock(file, base_image=BASE)  # nothing is made from a registry
    lock(file, base_image=BASE, registry="registry.example.com/me", builder="docker")
    assert "base" not in (file.parent / "fairing.lock").read_text().partition("version = 1")[2]


def test_locked_fails_where_the_file_would_change(shelf, file, bases, tmp_path):
    shelf.wheel("ant")
    shelf.wheel("bee")
    bases[BASE] = ONE
    options = {"base_image": BASE, "registry": "registry.example.com/me"}
    pipeline = fairing_kfp.load_pipeline(str(file))
    for verb in (fairing_kfp.compile, fairing_kfp.explain, fairing_kfp.lock):
        with pytest.raises(
            LockError, match=r"fairing\.lock is not up to date, and --locked is set: .* not in it"
        ) as no:
            verb(pipeline, locked=True, **options)
        assert no.value.remedy == "run `fairing-kfp lock FILE` and check the file in"
    assert not (file.parent / "fairing.lock").exists()

    lock(file)
    with pytest.raises(LockError, match=f"the base image {BASE} is not in it"):
        images(file, locked=True, base_image=BASE)
    lock(file, **options)
    before = (file.parent / "fairing.lock").read_text()
    assert images(file, locked=True, base_image=BASE) == {f"{NAME}@{ONE}"}
    assert lock(file, locked=True, **options).changes == ()
    file.write_text(file.read_text().replace('packages=["ant"])', "packages=[])"))
    done = CliRunner().invoke(main, ["lock", str(file), "--locked"], env={"FAIRING_KFP_BASE_IMAGE": BASE})
    assert isinstance(done.exception, SystemExit)
    assert done.exit_code != 0
    assert "would change it" in done.output
    assert (file.parent / "fairing.lock").read_text() == before


def test_compiling_says_when_it_wrote_the_lock_file(shelf, file, tmp_path):
    shelf.wheel("ant")
    shelf.wheel("bee")
    pipeline = fairing_kfp.load_pipeline(str(file))
    builder = StandInBuilder()
    assert fairing_kfp.compile(pipeline, builder=builder).lock == file.parent / "fairing.lock"
    assert fairing_kfp.compile(pipeline, builder=builder).lock is None


def test_warnings_of_uv_are_shown(shelf, file):
    shelf.wheel("ant")
    shelf.wheel("bee")
    file.write_text(file.read_text().replace('["ant"]', '["ant[legs]"]'))
    warning = "The package `ant==1.0` does not have an extra named `legs`"
    assert f"warning: {warning}" in command("lock", file)
    (file.parent / "fairing.lock").unlink()
    compiled = fairing_kfp.compile(fairing_kfp.load_pipeline(str(file)), builder=StandInBuilder())
    assert warning in compiled.warnings
