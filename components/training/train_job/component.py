"""The component train-job, in kfp alone."""

from pathlib import Path

from kfp.components import load_component_from_file

# KFP passes settings of the task to a step by its component.yaml only.
train_job = load_component_from_file(str(Path(__file__).with_name("component.yaml")))
