"""The manifest and config of an image, compared with those of its base."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from fairing_kfp.errors import ImageError, PythonVersionError
from fairing_kfp.image import Image, MultiPlatformImage, Platform
from fairing_kfp.image.assemble import assemble_image, assemble_index
from fairing_kfp.image.base import Base
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
from tests.support.bases import CODE, CONFIG, DIGEST, PYTHON, RUNTIME, base, image, settings

BASE_DIGEST = "org.opencontainers.image.base.digest"


def assembled(base: Base, image: Image) -> tuple[dict[str, Any], dict[str, Any]]:
    made = assemble_image(base, image)
    assert made.digest == f"sha256:{hashlib.sha256(made.manifest.data).hexdigest()}"
    return json.loads(made.manifest.data), json.loads(made.config)


class TestManifest:
    def test_layers_are_added_and_the_config_is_described(self) -> None:
        made = assemble_image(base(), image())
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

    def test_a_missing_media_type_stays_missing(self) -> None:
        made = assemble_image(base(), image())
        assert "mediaType" not in json.loads(made.manifest.data)
        assert made.manifest.media_type == OCI_MANIFEST

    def test_unknown_fields_are_kept_and_the_subject_is_not(self) -> None:
        manifest, _ = assembled(base(annotations={"a": "b"}, new="field", subject={"digest": DIGEST}), image())
        assert (manifest["annotations"]["a"], manifest["new"]) == ("b", "field")
        assert "subject" not in manifest

    def test_annotations_about_the_base_are_replaced_by_its_digest(self) -> None:
        about = {f"org.opencontainers.image.{key}": "of the base" for key in ("source", "revision", "base.digest")}
        below = base(annotations={"team": "vision", **about})
        manifest, _ = assembled(below, image())
        assert manifest["annotations"] == {"team": "vision", BASE_DIGEST: below.manifest.digest}

    def test_an_image_of_docker_has_no_annotations(self) -> None:
        manifest, _ = assembled(base(mediaType=DOCKER_MANIFEST), image())
        assert "annotations" not in manifest

    def test_the_digest_of_a_docker_base_is_its_own_if_the_image_becomes_oci(self) -> None:
        below = base(mediaType=DOCKER_MANIFEST)
        manifest = json.loads(assemble_image(below, image(), oci=True).manifest.data)
        assert manifest["mediaType"] == OCI_MANIFEST
        assert manifest["annotations"] == {BASE_DIGEST: below.manifest.digest}


class TestConfig:
    def test_diff_ids_and_history_have_an_entry_per_layer(self) -> None:
        _, config = assembled(base(), image())
        assert config["rootfs"]["diff_ids"] == [DIGEST, DIGEST, RUNTIME.diff_id, CODE.diff_id]
        assert config["rootfs"]["type"] == "layers"
        assert config["history"][3:] == [{"created_by": "fairing-kfp: runtime"}, {"created_by": "fairing-kfp: code"}]

    @pytest.mark.parametrize("history", [[{"created_by": "one"}], [], None])
    def test_an_inconsistent_history_is_kept(self, history: Any) -> None:
        _, config = assembled(base({**CONFIG, "history": history}), image())
        assert config["history"] == history

    def test_a_missing_history_stays_missing(self) -> None:
        _, config = assembled(base({key: value for key, value in CONFIG.items() if key != "history"}), image())
        assert "history" not in config

    def test_entrypoint_and_its_cmd_are_removed(self) -> None:
        _, config = assembled(base(settings(Entrypoint=["tini"], Cmd=["python3"])), image())
        assert not {"Entrypoint", "Cmd"} & config["config"].keys()

    @pytest.mark.parametrize("entrypoint", [{}, {"Entrypoint": None}, {"Entrypoint": []}])
    def test_cmd_alone_stays(self, entrypoint: dict[str, Any]) -> None:
        _, config = assembled(base(settings(Cmd=["python3"], **entrypoint)), image())
        assert config["config"]["Cmd"] == ["python3"]

    def test_a_working_folder_overrides_that_of_the_base(self) -> None:
        _, kept = assembled(base(settings(WorkingDir="/srv")), image())
        _, changed = assembled(base(settings(WorkingDir="/srv")), image(working_folder="/opt/code"))

        assert kept["config"]["WorkingDir"] == "/srv"
        assert changed["config"]["WorkingDir"] == "/opt/code"

    def test_a_command_overrides_that_of_the_base(self) -> None:
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
    def test_a_malformed_config_is_rejected(self, broken: dict[str, Any]) -> None:
        with pytest.raises(ImageError, match="malformed"):
            assemble_image(base({**CONFIG, **broken}), image())


class TestDeterminism:
    def test_the_order_of_env_does_not_matter(self) -> None:
        one, two = image(env={"A": "1", "B": "2"}), image(env={"B": "2", "A": "1"})
        assert assemble_image(base(), one).digest == assemble_image(base(), two).digest

    @pytest.mark.parametrize("change", [{"env": {"A": "1"}}, {"layers": (CODE, RUNTIME)}, {"layers": ()}])
    def test_a_change_changes_the_digest(self, change: dict[str, Any]) -> None:
        assert assemble_image(base(), image(**change)).digest != assemble_image(base(), image()).digest

    def test_the_name_does_not_matter(self) -> None:
        renamed = Image("other", PYTHON, (RUNTIME, CODE), Platform("linux", "amd64"), (3, 12))
        assert assemble_image(base(), renamed).digest == assemble_image(base(), image()).digest

    def test_an_image_is_hashable(self) -> None:
        assert len({image(env={"A": "1"}), image(env={"A": "1"}), image()}) == 2


class TestZstd:
    """Docker's schema 2 has no zstd layers, so the image uses OCI media types, even on a Docker base."""

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
        made = assemble_index(MultiPlatformImage(images), lambda one: bases[one.platform.architecture])
        return made, json.loads(made.manifest.data)

    def test_oci_bases_give_an_oci_index(self) -> None:
        arm = {**CONFIG, "architecture": "arm64", "variant": "v8", "os.version": "1"}
        made, index = self.of(amd64=base(), arm64=base(arm))
        assert (index["schemaVersion"], index["mediaType"]) == (2, OCI_INDEX)
        assert [entry["digest"] for entry in index["manifests"]] == [one.digest for one in made.indexed]
        assert [entry["size"] for entry in index["manifests"]] == [len(one.data) for one in made.indexed]
        assert [entry["platform"] for entry in index["manifests"]] == [
            {"architecture": "amd64", "os": "linux"},
            {"architecture": "arm64", "os": "linux", "variant": "v8", "os.version": "1"},
        ]
        assert made.digest == f"sha256:{hashlib.sha256(made.manifest.data).hexdigest()}"
        read = Manifest(made.manifest.data)
        assert read.select(PYTHON, Platform("linux", "arm64")).digest == made.indexed[1].digest

    def test_docker_bases_give_a_manifest_list(self) -> None:
        docker = base(mediaType=DOCKER_MANIFEST)
        made, index = self.of(amd64=docker, arm64=docker)
        assert index["mediaType"] == DOCKER_INDEX
        assert {one.media_type for one in made.indexed} == {DOCKER_MANIFEST}

    def test_mixed_bases_become_oci(self) -> None:
        made, index = self.of(amd64=base(mediaType=DOCKER_MANIFEST), arm64=base())
        assert index["mediaType"] == OCI_INDEX
        assert {one.media_type for one in made.indexed} == {OCI_MANIFEST}

    def test_one_platform_stays_a_manifest(self) -> None:
        made = assemble_index(image(), lambda _: base())
        assert made.manifest == assemble_image(base(), image()).manifest
        assert made.indexed == ()

    def test_an_error_names_its_platform(self) -> None:
        def reject(one: Image) -> Base:
            if one.platform.architecture == "arm64":
                raise PythonVersionError("the base is old", "take another")
            return base()

        images = tuple(image(platform=Platform("linux", name)) for name in ("amd64", "arm64"))
        with pytest.raises(PythonVersionError, match=r"^for linux/arm64: the base is old") as caught:
            assemble_index(MultiPlatformImage(images), reject)
        assert caught.value.remedy == "take another"


def test_user_and_labels_override_those_of_the_base() -> None:
    labelled = {**CONFIG, "config": {**CONFIG["config"], "Labels": {"kept": "yes", "changed": "no"}}}
    made = json.loads(assemble_image(base(labelled), image(user="65532", labels={"changed": "yes"})).config)

    assert made["config"]["User"] == "65532"
    assert made["config"]["Labels"] == {"kept": "yes", "changed": "yes"}


def test_labels_about_the_base_are_removed() -> None:
    about = {"org.opencontainers.image.revision": "1f0c", "org.label-schema.vcs-ref": "1f0c", "vcs-ref": "1f0c"}
    own = {"org.opencontainers.image.version": "2"}

    assert _labels(base(settings(Labels={**about, "team": "vision"})), image(labels=own)) == {"team": "vision", **own}
    assert _labels(base(settings(Labels=about)), image()) is None


def _labels(below: Base, above: Image) -> Any:
    return json.loads(assemble_image(below, above).config)["config"].get("Labels")


def test_user_and_labels_of_the_base_are_kept() -> None:
    made = json.loads(assemble_image(base(), image()).config)

    assert made["config"]["User"] == "1000"
    assert "Labels" not in made["config"]
