"""Imports what lies beside it, here and there."""

import json

import helpers
from plain.part import PART


def later():
    import study.inner

    return study.inner.NAME


print(json.dumps({"helpers": helpers.WHERE, "part": PART, "later": later()}))
