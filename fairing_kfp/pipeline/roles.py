"""Roles of the built-in steps: the RBAC rules of each feature, and their manifests.

`python -m fairing_kfp.pipeline.roles FOLDER` writes the manifests, one file per feature.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from fairing_kfp.cluster.rbac import ACCOUNTS, FEATURES, role_manifest
from fairing_kfp.cluster.rule import Rule
from fairing_kfp.train.kinds.kind import rules_of, training_kind
from fairing_kfp.train.kinds.select import KINDS


def rules_by_feature() -> Mapping[str, tuple[Rule, ...]]:
    """The RBAC rules of each kind of training job, and of the other built-in steps."""
    return {**{name: rules_of(training_kind(name)) for name in KINDS}, **FEATURES}


def manifest(feature: str, namespace: str = "kubeflow", accounts: tuple[str, ...] = ACCOUNTS) -> str:
    """The Role and RoleBinding of a feature, as YAML for `kubectl apply`.

    Args:
        feature: a key of `rules_by_feature`.
        namespace: namespace of the runs; `kubeflow` for standalone KFP.
        accounts: service accounts that are granted the role.
    """
    return role_manifest(feature, rules_by_feature()[feature], namespace, accounts)


def write(folder: Path) -> None:
    """Writes the manifests of all features into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for feature in rules_by_feature():
        (folder / f"{feature}.yaml").write_text(manifest(feature))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
