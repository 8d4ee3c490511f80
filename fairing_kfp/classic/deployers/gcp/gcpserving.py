"""AI Platform Prediction, which is retired."""

from __future__ import annotations

from typing import Any

from fairing_kfp.classic.work.deprecation import refuse


class GCPServingDeployer:
    """Refused, since AI Platform Prediction is retired."""

    def __init__(
        self,
        model_dir: str = "",
        model_name: str = "",
        version_name: str = "",
        project_id: str | None = None,
        **deploy_kwargs: Any,
    ) -> None:
        refuse(
            "GCPServingDeployer",
            "AI Platform Prediction is retired",
            "serve in a cluster: KFServing(framework, default_storage_uri=…) or fairing_kfp.serve_model; or upload the "
            "model to Vertex AI's Model Registry",
        )
