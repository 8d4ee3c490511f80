"""`packages=[…]`: a list of requirements."""

from __future__ import annotations

from fairing_kfp.dependencies.package_format import PackageFormat
from fairing_kfp.dependencies.requirements import Requirements

FORMAT = PackageFormat(
    example='["scikit-learn==1.7.*"]',
    matches=lambda packages: not isinstance(packages, str),
    read=lambda options: Requirements.parse(options.packages, folder=options.folder),
)
"""Any sequence of requirements."""
