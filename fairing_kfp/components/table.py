"""The reusable components; each is one module of `steps/` and one row here."""

from __future__ import annotations

from collections.abc import Mapping

from fairing_kfp.components.declaration import ReusableComponent
from fairing_kfp.components.steps.append_image import APPEND_IMAGE
from fairing_kfp.components.steps.build_dockerfile import BUILD_DOCKERFILE
from fairing_kfp.components.steps.check_notebook import CHECK_NOTEBOOK
from fairing_kfp.components.steps.compare_metrics import COMPARE_METRICS
from fairing_kfp.components.steps.fetch_source import FETCH_SOURCE
from fairing_kfp.components.steps.import_image import IMPORT_IMAGE
from fairing_kfp.components.steps.model_image import MODEL_IMAGE
from fairing_kfp.components.steps.predict import PREDICT
from fairing_kfp.components.steps.preprocess_function import PREPROCESS_FUNCTION
from fairing_kfp.components.steps.preprocess_notebook import PREPROCESS_NOTEBOOK
from fairing_kfp.components.steps.preprocess_script import PREPROCESS_SCRIPT
from fairing_kfp.components.steps.promote_canary import PROMOTE_CANARY
from fairing_kfp.components.steps.resolve_dependencies import RESOLVE_DEPENDENCIES
from fairing_kfp.components.steps.rollback import ROLLBACK
from fairing_kfp.components.steps.run_notebook import RUN_NOTEBOOK
from fairing_kfp.components.steps.serve_deployment import SERVE_DEPLOYMENT
from fairing_kfp.components.steps.serve_kserve import SERVE_KSERVE
from fairing_kfp.components.steps.serve_kserve_model import SERVE_KSERVE_MODEL
from fairing_kfp.components.steps.train_job import TRAIN_JOB
from fairing_kfp.components.steps.train_pytorchjob import TRAIN_PYTORCHJOB
from fairing_kfp.components.steps.train_tfjob import TRAIN_TFJOB
from fairing_kfp.components.steps.train_trainjob import TRAIN_TRAINJOB
from fairing_kfp.components.steps.train_vertex import TRAIN_VERTEX
from fairing_kfp.components.steps.undeploy import UNDEPLOY

COMPONENTS: Mapping[str, ReusableComponent] = {
    component.name: component
    for component in (
        FETCH_SOURCE,
        PREPROCESS_FUNCTION,
        PREPROCESS_NOTEBOOK,
        PREPROCESS_SCRIPT,
        RESOLVE_DEPENDENCIES,
        APPEND_IMAGE,
        BUILD_DOCKERFILE,
        IMPORT_IMAGE,
        MODEL_IMAGE,
        TRAIN_JOB,
        TRAIN_TRAINJOB,
        TRAIN_PYTORCHJOB,
        TRAIN_TFJOB,
        TRAIN_VERTEX,
        RUN_NOTEBOOK,
        CHECK_NOTEBOOK,
        COMPARE_METRICS,
        SERVE_DEPLOYMENT,
        SERVE_KSERVE,
        SERVE_KSERVE_MODEL,
        PREDICT,
        PROMOTE_CANARY,
        ROLLBACK,
        UNDEPLOY,
    )
}
"""The components by name."""
