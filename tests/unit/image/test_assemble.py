"""The manifest and config of an image, compared with those of its base; and preflight."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from fairing_kfp.errors import ImageError, PlatformError, PythonVersionError
from fairing_kfp.image import File, Image, Layer, MultiImage, Platform, Reference
from fairing_kfp.image.assemble import assemble, assemble_whole
from fairing_kfp.image.base import Base, preflight
from fairing_kfp.image.descriptor import (
    DOCKER_INDEX,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    OCI_ZSTD_LAYER,
)
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.multi_image import single

DIGEST = "sha256:" + "ab" * 32
PYTHON = Reference.parse("python:3.12-slim")
CODE = Layer.of_files("code", [File("opt/code", b"code")])
RUNTIME = Layer.of_files("runtime", [File("opt/runtime", b"runtime")])
CONFIG: dict[str, Any] = {
    "architecture": "amd64",
    "os": "linux",
    "config": {"Env": ["PATH=/bin", "PYTHON_VERSION=3.12.4"], "User": "1000"},
    "rootfs": {"type": "layers", "diff_ids": [DIGEST, DIGEST]},
    "history": [{"created_by": "one"}, {"created_by": "ENV", "empty_layer": True}, {"created_by": "two"}],
}


def base(config: dict[str, Any] = CONFIG, platforms: tuple[Platform, ...] = (), **manifest: Any) -> Base:
    document = {
        "schemaVersion": 2,
        "config": {"mediaType": "the/config", "digest": DIGEST, "size": 1, "data": "embedded"},
        "layers": [{"mediaType": OCI_LAYER, "digest": DIGEST, "size": 7, "annotations": {"kept": "yes"}}] * 2,
        **manifest,
    }
    return Base(PYTHON, Manifest(json.dumps(document).encode()), json.dumps(config).encode(), platforms)


def image(**fields: Any) -> Image:
    known = {
        "base": PYTHON,
        "layers": (RUNTIME, CODE),
        "platform": Platform("linux", "amd64"),
        "python_version": (3, 12),
    }
    return Image("train", **{**known, **fields})


def assembled(base: Base, image: Image) -> tuple[dict[str, Any], dict[str, Any]]:
    made = assemble(base, image)
    assert made.digest == f"sha256:{hashlib.sha256(made.manifest.data).hexdigest()}"
    return json.loads(made.manifest.data), json.loads(made.config)


def settings(**settings: Any) -> dict[str, Any]:
    return {**CONFIG, "config": {**CONFIG["config"], **settings}}


class TestManifest:
    def test_layers_are_added_and_the_config_is_described(self) -> None:
        made = assemble(base(), image())
        manifest = json.loads(made.manifest.data)
        assert [layer["digest"] for layer in manifest["layers"]] == [DIGEST, DIGEST, RUNTIME.digest, CODE.digest]
        assert manifest["layers"][0]["annotations"] == {"kept": "yes"}
        assert manifest["layers"][2] == {"mediaType": OCI_LAYER, "digest": RUNTIME.digest, "size": RUNTIME.size}
        assert manifest["config"] == {
            "mediaType": "the/config",
            "digest": f"sha256:{hashlib.sha256(made.config).hexdigest()}",
            "size": len(made.config),
        }

    def test_docker_stays_docker(self) -> None:
        manifest, _ = assembled(base(mediaType=DOCKER_MANIFEST), image())
        assert manifest["mediaType"] == DOCKER_MANIFEST
        assert {layer["mediaType"] for layer in manifest["layers"][2:]} == {DOCKER_LAYER}

    def test_a_media_type_that_was_left_out_stays_out(self) -> None:
        made = assemble(base(), image())
        assert "mediaType" not in json.loads(made.manifest.data)
        assert made.manifest.media_type == OCI_MANIFEST

    def test_unknown_fields_are_kept_and_the_subject_is_not(self) -> None:
        manifest, _ = assembled(base(annotations={"a": "b"}, new="field", subject={"digest": DIGEST}), image())
        assert (manifest["annotations"], manifest["new"]) == ({"a": "b"}, "field")
        assert "subject" not in manifest


class TestConfig:
    def test_diff_ids_and_history_tell_of_each_layer(self) -> None:
        _, config = assembled(base(), image())
        assert config["rootfs"]["diff_ids"] == [DIGEST, DIGEST, RUNTIME.diff_id, CODE.diff_id]
        assert config["rootfs"]["type"] == "layers"
        assert config["history"][3:] == [{"created_by": "fairing-kfp: runtime"}, {"created_by": "fairing-kfp: code"}]

    @pytest.mark.parametrize("history", [[{"created_by": "one"}], [], None])
    def test_a_history_that_is_not_of_the_layers_is_left_alone(self, history: Any) -> None:
        _, config = assembled(base({**CONFIG, "history": history}), image())
        assert config["history"] == history

    def test_no_history_stays_none(self) -> None:
        _, config = assembled(base({key: value for key, value in CONFIG.items() if key != "history"}), image())
        assert "history" not in config

    def test_the_entrypoint_goes_and_takes_cmd_along(self) -> None:
        _, config = assembled(base(settings(Entrypoint=["tini"], Cmd=["python3"])), image())
        assert not {"Entrypoint", "Cmd"} & config["config"].keys()

    @pytest.mark.parametrize("entrypoint", [{}, {"Entrypoint": None}, {"Entrypoint": []}])
    def test_cmd_alone_stays(self, entrypoint: dict[str, Any]) -> None:
        _, config = assembled(base(settings(Cmd=["python3"], **entrypoint)), image())
        assert config["config"]["Cmd"] == ["python3"]

    def test_a_command_of_its_own_goes_before_that_of_the_base(self) -> None:
        _, config = assembled(base(settings(Entrypoint=["tini"], Cmd=["python3"])), image(command=("serve", "it")))
        assert config["config"]["Cmd"] == ["serve", "it"]
        assert "Entrypoint" not in config["config"]
        assert "Entrypoint" not in config["config"]

    def test_env_is_merged(self) -> None:
        _, config = assembled(base(), image(env={"Z": "1", "PATH": "/opt/bin", "A": "x=y"}))
        assert config["config"]["Env"] == ["PYTHON_VERSION=3.12.4", "A=x=y", "PATH=/opt/bin", "Z=1"]

    def test_unknown_fields_and_the_user_are_kept(self) -> None:
        kept = {**settings(Volumes={"/v": {}}, New={"a": 1}), "os.version": "1", "created": "2020-01-01T00:00:00Z"}
        _, config = assembled(base(kept), image())
        assert (config["os.version"], config["created"]) == ("1", "2020-01-01T00:00:00Z")
        assert (config["config"]["Volumes"], config["config"]["New"], config["config"]["User"]) == (
            {"/v": {}},
            {"a": 1},
            "1000",
        )

    @pytest.mark.parametrize("empty", [{"config": None}, {"config": {}}])
    def test_a_base_without_settings(self, empty: dict[str, Any]) -> None:
        _, config = assembled(base({**CONFIG, **empty}), image(env={"A": "b"}))
        assert config["config"] == {"Env": ["A=b"]}

    @pytest.mark.parametrize(
        "broken",
        [
            {"rootfs": None},
            {"rootfs": {"diff_ids": [DIGEST]}},
            {"rootfs": {"diff_ids": "text"}},
            {"config": "text"},
            {"config": {"Env": "text"}},
            {"history": ["text"]},
            {"history": 5},
        ],
    )
    def test_a_broken_config_is_refused(self, broken: dict[str, Any]) -> None:
        with pytest.raises(ImageError, match="malformed"):
            assemble(base({**CONFIG, **broken}), image())


class TestDeterminism:
    def test_the_order_of_env_does_not_matter(self) -> None:
        one, two = image(env={"A": "1", "B": "2"}), image(env={"B": "2", "A": "1"})
        assert assemble(base(), one).digest == assemble(base(), two).digest

    @pytest.mark.parametrize("change", [{"env": {"A": "1"}}, {"layers": (CODE, RUNTIME)}, {"layers": ()}])
    def test_a_change_shows(self, change: dict[str, Any]) -> None:
        assert assemble(base(), image(**change)).digest != assemble(base(), image()).digest

    def test_the_name_does_not_matter(self) -> None:
        renamed = Image("other", PYTHON, (RUNTIME, CODE), Platform("linux", "amd64"), (3, 12))
        assert assemble(base(), renamed).digest == assemble(base(), image()).digest

    def test_an_image_is_hashable(self) -> None:
        assert len({image(env={"A": "1"}), image(env={"A": "1"}), image()}) == 2


class TestPreflight:
    def test_a_base_that_fits(self) -> None:
        preflight(base(), image())

    @pytest.mark.parametrize("value", ["3.12", "3.12.4", "3.12.0rc1"])
    def test_versions_are_read_to_their_minor(self, value: str) -> None:
        preflight(base(settings(Env=[f"PYTHON_VERSION={value}"])), image())

    def test_another_python(self) -> None:
        with pytest.raises(PythonVersionError) as caught:
            preflight(base(settings(Env=["PYTHON_VERSION=3.1.2"])), image())
        assert caught.value.message == (
            "the base image docker.io/library/python:3.12-slim of train holds Python 3.1, "
            "but the code is packed by Python 3.12"
        )
        assert "python:3.12-slim" in caught.value.remedy
        assert "under Python 3.1" in caught.value.remedy

    @pytest.mark.parametrize("env", [[], None, ["PYTHON_VERSION=unknown"], ["PYTHON_VERSION"]])
    def test_a_base_that_does_not_tell(self, env: Any) -> None:
        silent = base(settings(Env=env))
        with pytest.raises(PythonVersionError, match="does not tell which Python") as caught:
            preflight(silent, image())
        assert 'python_version="3.12"' in caught.value.remedy
        preflight(silent, image(declared_python="3.12"))
        with pytest.raises(PythonVersionError, match=r"holds Python 3\.11"):
            preflight(silent, image(declared_python="3.11"))

    def test_a_declaration_cannot_contradict_the_base(self) -> None:
        preflight(base(), image(declared_python="3.12"))
        with pytest.raises(PythonVersionError, match=r"python_version='3\.11' of train contradicts its base image"):
            preflight(base(), image(declared_python="3.11"))

    def test_a_declaration_that_is_no_version(self) -> None:
        with pytest.raises(PythonVersionError, match="'new' of train is not a version"):
            preflight(base(), image(declared_python="new"))

    def test_another_platform(self) -> None:
        arm = {**CONFIG, "architecture": "arm64", "variant": "v8"}
        preflight(base(arm), image(platform=Platform("linux", "arm64")))
        with pytest.raises(PlatformError, match="is not for linux/amd64, only for: linux/arm64"):
            preflight(base(arm), image())
        listed = (Platform("linux", "arm64"), Platform("linux", "s390x"))
        with pytest.raises(PlatformError, match="only for: linux/arm64, linux/s390x"):
            preflight(base(arm, platforms=listed), image())


class TestZstd:
    """Docker's schema 2 knows no zstd, so that the image is OCI's, whatever the base was."""

    tree = replace(CODE, name="dependencies", compression="zstd")

    @pytest.mark.parametrize("kind", [DOCKER_MANIFEST, OCI_MANIFEST])
    def test_the_image_becomes_oci(self, kind: str) -> None:
        layers = [{"mediaType": DOCKER_LAYER if kind == DOCKER_MANIFEST else OCI_LAYER, "digest": DIGEST, "size": 7}]
        bottom = base(mediaType=kind, layers=layers * 2)
        manifest, config = assembled(bottom, image(layers=(RUNTIME, self.tree)))
        assert manifest["mediaType"] == OCI_MANIFEST
        assert [one["mediaType"] for one in manifest["layers"]] == [OCI_LAYER] * 3 + [OCI_ZSTD_LAYER]
        assert config["rootfs"]["diff_ids"][-1] == self.tree.diff_id


class TestIndex:
    def of(self, **bases: Base) -> tuple[Any, Any]:
        images = tuple(image(platform=Platform("linux", name), layers=(RUNTIME,)) for name in bases)
        whole = assemble_whole(MultiImage(images), lambda one: bases[one.platform.architecture])
        return whole, json.loads(whole.manifest.data)

    def test_oci_bases_give_an_oci_index(self) -> None:
        arm = {**CONFIG, "architecture": "arm64", "variant": "v8", "os.version": "1"}
        whole, index = self.of(amd64=base(), arm64=base(arm))
        assert (index["schemaVersion"], index["mediaType"]) == (2, OCI_INDEX)
        assert [entry["digest"] for entry in index["manifests"]] == [one.digest for one in whole.indexed]
        assert [entry["size"] for entry in index["manifests"]] == [len(one.data) for one in whole.indexed]
        assert [entry["platform"] for entry in index["manifests"]] == [
            {"architecture": "amd64", "os": "linux"},
            {"architecture": "arm64", "os": "linux", "variant": "v8", "os.version": "1"},
        ]
        assert whole.digest == f"sha256:{hashlib.sha256(whole.manifest.data).hexdigest()}"
        read = Manifest(whole.manifest.data)
        assert read.select(PYTHON, Platform("linux", "arm64")).digest == whole.indexed[1].digest

    def test_docker_bases_give_a_manifest_list(self) -> None:
        docker = base(mediaType=DOCKER_MANIFEST)
        whole, index = self.of(amd64=docker, arm64=docker)
        assert index["mediaType"] == DOCKER_INDEX
        assert {one.media_type for one in whole.indexed} == {DOCKER_MANIFEST}

    def test_mixed_bases_become_oci(self) -> None:
        whole, index = self.of(amd64=base(mediaType=DOCKER_MANIFEST), arm64=base())
        assert index["mediaType"] == OCI_INDEX
        assert {one.media_type for one in whole.indexed} == {OCI_MANIFEST}

    def test_one_platform_stays_a_manifest(self) -> None:
        whole = assemble_whole(image(), lambda _: base())
        assert whole.manifest == assemble(base(), image()).manifest
        assert whole.indexed == ()

    def test_a_refusal_names_its_platform(self) -> None:
        def refuse(one: Image) -> Base:
            if one.platform.architecture == "arm64":
                raise PythonVersionError("the base is old", "take another")
            return base()

        images = tuple(image(platform=Platform("linux", name)) for name in ("amd64", "arm64"))
        with pytest.raises(PythonVersionError, match=r"^for linux/arm64: the base is old") as caught:
            assemble_whole(MultiImage(images), refuse)
        assert caught.value.remedy == "take another"

    def test_the_order_of_images_does_not_matter(self) -> None:
        images = [image(platform=Platform("linux", name)) for name in ("arm64", "amd64", "s390x")]
        assert MultiImage(tuple(images)) == MultiImage(tuple(reversed(images)))
        assert [str(one) for one in MultiImage(tuple(images)).platforms] == [
            "linux/amd64",
            "linux/arm64",
            "linux/s390x",
        ]

    def test_what_is_no_image_of_several_platforms(self) -> None:
        elsewhere = image(platform=Platform("linux", "arm64"), base=Reference.parse("python:3.13"))
        for images in ((), (image(), image()), (image(), elsewhere)):
            with pytest.raises(PlatformError):
                MultiImage(images)

    def test_builders_of_one_platform_say_so(self) -> None:
        images = tuple(image(platform=Platform("linux", name)) for name in ("amd64", "arm64"))
        assert single(images[0], "docker") is images[0]
        with pytest.raises(PlatformError, match=r"builder docker makes images for one .* linux/amd64, linux/arm64"):
            single(MultiImage(images), "docker")


def test_user_and_labels_are_the_images_own() -> None:
    labelled = {**CONFIG, "config": {**CONFIG["config"], "Labels": {"kept": "yes", "changed": "no"}}}
    made = json.loads(assemble(base(labelled), image(user="65532", labels={"changed": "yes"})).config)

    assert made["config"]["User"] == "65532"
    assert made["config"]["Labels"] == {"kept": "yes", "changed": "yes"}


def test_user_and_labels_of_the_base_stay() -> None:
    made = json.loads(assemble(base(), image()).config)

    assert made["config"]["User"] == "1000"
    assert "Labels" not in made["config"]
