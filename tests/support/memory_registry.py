"""A registry in memory, with the referrers API or without it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from fairing_kfp.image.artifact import Referrer
from fairing_kfp.image.descriptor import OCI_INDEX, digest_of, dump
from fairing_kfp.image.manifest import Manifest
from tests.support.scripted_registry import Answer, Request

_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|referrers)/(?P<last>.*)")


@dataclass
class MemoryRegistry:
    """The rule of a scripted registry.

    Attributes:
        api: whether it has the referrers API.
        bare: whether its lists of referrers lack types and annotations.
        blobs: blobs by digest, of all repositories.
        manifests: manifests by repository and tag or digest.
    """

    api: bool = True
    bare: bool = False
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def __call__(self, request: Request) -> Answer:
        url = urlsplit(request.path)
        match = _PATH.fullmatch(url.path)
        if match is None:
            return Answer()
        name, last, query = match["name"], match["last"], parse_qs(url.query)
        if match["kind"] == "manifests":
            return self._put(name, last, request.body) if request.method == "PUT" else self._manifest(name, last)
        if match["kind"] == "referrers":
            return self._referrers(name, last) if self.api else Answer(404)
        if request.method == "POST":
            known = query.get("mount", [""])[0] in self.blobs
            return Answer(201) if known else Answer(202, headers={"Location": f"/v2/{name}/blobs/uploads/1"})
        if request.method == "PUT":
            if digest_of(request.body) != query["digest"][0]:
                return Answer(400)
            self.blobs[query["digest"][0]] = request.body
            return Answer(201)
        return Answer(body=self.blobs[last]) if last in self.blobs else Answer(404)

    def _manifest(self, name: str, wanted: str) -> Answer:
        data = self.manifests.get((name, wanted))
        return Answer(404) if data is None else Answer(body=data, headers={"Docker-Content-Digest": digest_of(data)})

    def _put(self, name: str, wanted: str, data: bytes) -> Answer:
        self.manifests[name, wanted] = self.manifests[name, digest_of(data)] = data
        subject = json.loads(data).get("subject")
        return Answer(201, headers={"OCI-Subject": subject["digest"]} if subject and self.api else {})

    def _referrers(self, name: str, digest: str) -> Answer:
        entries = []
        for (place, wanted), data in self.manifests.items():
            if (
                place == name
                and wanted == digest_of(data)
                and json.loads(data).get("subject", {}).get("digest") == digest
            ):
                entry = Referrer.of(Manifest(data))
                entries.append(entry.descriptor.document() if self.bare else entry.document())
        return Answer(body=dump({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}))
