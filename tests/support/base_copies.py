"""Copies of the testbed's base image in the formats of images."""

from __future__ import annotations

from tests.support.services import TESTBED, require_program, run

BASE = f"{TESTBED}/base/python:3.11"
"""The base image, of OCI's media types."""


def base_copy(form: str) -> str:
    """The base image in a format of skopeo's, `oci` or `v2s2`; equal for all tests, so that it is copied once."""
    target = f"{TESTBED}/tests/base-{form}:3.11"
    options = ("-q", "--src-tls-verify=false", "--dest-tls-verify=false", "--format", form)
    run(require_program("skopeo"), "copy", *options, f"docker://{BASE}", f"docker://{target}")
    return target
