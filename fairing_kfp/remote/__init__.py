"""Kubeflow Pipelines on a cluster: submit, upload, schedule, and follow runs, through the client of the kfp SDK."""
