"""Replaying a task of a run on Kubeflow Pipelines on this machine, with the inputs that it had there."""
