"""`Task`: what a component makes in a pipeline. At run time it is kfp's own class; its types are in `task.pyi`."""

from __future__ import annotations

from kfp.dsl import PipelineTask as Task

__all__ = ["Task"]
