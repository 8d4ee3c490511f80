"""Tasks of a pipeline that is not compiled."""

from typing import Any

from kfp.dsl.pipeline_context import Pipeline


def make_task(component: Any, **arguments: Any) -> Any:
    """Calls a component as within the function of a pipeline."""
    with Pipeline("made"):
        return component(**arguments)
