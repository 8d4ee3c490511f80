"""The component train-trainjob, in kfp alone."""

from pathlib import Path

from kfp.components import load_component_from_file

# KFP passes settings of the task to a step by its component.yaml only.
train_trainjob = load_component_from_file(str(Path(__file__).with_name("component.yaml")))
