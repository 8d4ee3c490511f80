"""Checks that an image, its SBOM and its provenance agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fairing_kfp.attestation import provenance, sbom
from fairing_kfp.attestation.attached import AttestedImage, Document, read_layers
from fairing_kfp.errors import ImageError, RegistryError
from fairing_kfp.image.reference import Reference
from fairing_kfp.registry.client import RegistryClient

State = Literal["ok", "failed", "absent", "unread"]
"""Of a check: `absent` for what an image need not have, `unread` if what it compares with cannot be read."""

_ATTEST = "compile again with --attest"
_WRONG = "do not use the image: somebody changed it or what is attached to it"


@dataclass(frozen=True)
class Check:
    """The result of a check.

    Attributes:
        name: what is checked.
        state: the result.
        detail: what was found.
        remedy: what to do; empty if it is ok.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""


def verify(image: AttestedImage, client: RegistryClient) -> Iterator[Check]:
    """Checks an image. Signatures are only looked for; cosign verifies them.

    Args:
        image: the image.
        client: reads the base image.

    Raises:
        ImageError: a document is malformed.
    """
    if not image.layers:
        yield Check("image", "failed", f"{image.reference} is for no platform", _WRONG)
        return
    yield Check("image", "ok", f"{image.reference}, for {', '.join(map(str, image.layers))}")
    yield from _sboms(image, client)
    yield from _provenances(image)
    yield _signatures(image)


def _sboms(image: AttestedImage, client: RegistryClient) -> Iterator[Check]:
    if not image.sboms:
        yield Check("SBOM", "failed", "none is attached", _ATTEST)
    for one in image.sboms:
        described, components = _described(one), list(_components(one))
        if one.subject != image.reference.digest or described != image.reference.digest:
            yield Check("SBOM", "failed", f"it describes another image, {described or 'without a digest'}", _WRONG)
            continue
        packages = sum("purl" in part and part.get("type") == "library" for part in components)
        yield Check("SBOM", "ok", f"{packages} packages, {one.manifest.digest}")
        named = {text for part in components for text in _properties(part, sbom.LAYER)}
        yield from _layers(image, named, _base(components), client)


def _layers(image: AttestedImage, named: set[str], base: Reference | None, client: RegistryClient) -> Iterator[Check]:
    """Checks that the image is its base and the layers in its SBOM, and nothing else."""
    if base is None:
        yield Check("base image", "failed", "the SBOM names none", _WRONG)
        return
    try:
        below: Mapping[Any, tuple[str, ...]] = read_layers(base, image.layers, client)
    except (RegistryError, ImageError) as error:
        yield Check("base image", "unread", f"{base} cannot be read: {error.message}", error.remedy)
        return
    for platform, layers in image.layers.items():
        count = len(below[platform])
        if layers[:count] != below[platform]:
            yield Check("base image", "failed", f"the lowest layers for {platform} are not those of {base}", _WRONG)
            return
        unknown = [digest for digest in layers[count:] if digest not in named]
        if unknown:
            yield Check("layers", "failed", f"the SBOM lacks {', '.join(unknown)}", _WRONG)
            return
    missing = named.difference(*image.layers.values())
    if missing:
        yield Check("layers", "failed", f"the image lacks {', '.join(sorted(missing))} of the SBOM", _WRONG)
        return
    yield Check("base image", "ok", f"{base} is below {len(named)} layers")
    yield Check("layers", "ok", "the SBOM names all")


def _provenances(image: AttestedImage) -> Iterator[Check]:
    if not image.provenances:
        yield Check("provenance", "failed", "none is attached", _ATTEST)
    for one in image.provenances:
        yield _provenance(image, one)
        yield from (_packages(one, other) for other in image.sboms)
        yield _source(_dependencies(one))


def _provenance(image: AttestedImage, one: Document) -> Check:
    name, statement = "provenance", one.content
    subjects = {f"sha256:{_table(part, 'digest').get('sha256')}" for part in _tables(statement, "subject")}
    if one.subject != image.reference.digest or not image.manifests <= subjects:
        return Check(name, "failed", "it is about another image", _WRONG)
    definition = _table(_table(statement, "predicate"), "buildDefinition")
    if statement.get("predicateType") != provenance.PREDICATE or definition.get("buildType") != provenance.BUILD_TYPE:
        return Check(name, "failed", f"its build type is {definition.get('buildType')!r}", _WRONG)
    built = {_digest(part) for part in _dependencies(one) if part.get("name") == provenance.BASE}
    bases = {base.digest for other in image.sboms if (base := _base(_components(other)))}
    if bases - built:
        return Check(name, "failed", "it names another base image than the SBOM", _WRONG)
    return Check(name, "ok", one.manifest.digest)


def _packages(one: Document, other: Document) -> Check:
    """Compares the packages of provenance and SBOM: names, versions and digests of files."""
    built = {
        (str(part.get("uri")), _digest(part), *sorted(map(str, _list(_table(part, "annotations"), "acceptedFiles"))))
        for part in _dependencies(one)
        if str(part.get("uri")).startswith("pkg:pypi/")
    }
    listed = {
        (str(part.get("purl")), _hash(part), *sorted(_properties(part, sbom.ACCEPTED)))
        for part in _components(other)
        if str(part.get("purl")).startswith("pkg:pypi/")
    }
    if built != listed:
        names = sorted({row[0].removeprefix("pkg:pypi/") for row in built ^ listed})
        return Check("packages", "failed", f"SBOM and provenance differ in {', '.join(names)}", _WRONG)
    return Check("packages", "ok", f"SBOM and provenance name the same {len(listed)} by version and digest")


def _source(dependencies: Iterable[Mapping[str, Any]]) -> Check:
    for part in dependencies:
        if part.get("name") == provenance.SOURCE:
            revision = _table(part, "digest").get("gitCommit")
            uri = part.get("uri", "a repository without a remote")
            if revision:
                return Check("source", "ok", f"{uri} at {revision}")
            return Check("source", "absent", f"{uri}, with changes that are not committed", "commit, and compile again")
    return Check("source", "absent", "no git repository, or one without a remote and with changes", "")


def _signatures(image: AttestedImage) -> Check:
    if not image.unsigned:
        return Check("signatures", "ok", "all are signed; cosign verify says by whom")
    count = 1 + len(image.sboms) + len(image.provenances)
    detail = f"{len(image.unsigned)} of {count} are not signed: who can push to the repository can replace them"
    return Check("signatures", "absent", detail, "cosign sign $(fairing-kfp verify --unsigned IMAGE)")


def _described(one: Document) -> str:
    return str(_table(_table(one.content, "metadata"), "component").get("version") or "")


def _components(one: Document) -> Iterator[Mapping[str, Any]]:
    yield from _tables(one.content, "components")


def _base(components: Iterable[Mapping[str, Any]]) -> Reference | None:
    for part in components:
        if part.get("type") == "container":
            return Reference.parse(f"{part.get('name')}@{part.get('version')}")
    return None


def _dependencies(one: Document) -> list[Mapping[str, Any]]:
    definition = _table(_table(one.content, "predicate"), "buildDefinition")
    return list(_tables(definition, "resolvedDependencies"))


def _properties(part: Mapping[str, Any], name: str) -> list[str]:
    return [str(one.get("value")) for one in _tables(part, "properties") if one.get("name") == name]


def _digest(part: Mapping[str, Any]) -> str:
    value = _table(part, "digest").get("sha256")
    return f"sha256:{value}" if value else ""


def _hash(part: Mapping[str, Any]) -> str:
    values = [one.get("content") for one in _tables(part, "hashes") if one.get("alg") == "SHA-256"]
    return f"sha256:{values[0]}" if values else ""


def _table(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, dict) else {}


def _list(value: Any, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []


def _tables(value: Any, name: str) -> Iterator[Mapping[str, Any]]:
    return (one for one in _list(value, name) if isinstance(one, dict))
