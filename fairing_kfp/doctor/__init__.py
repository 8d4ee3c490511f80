"""Checks of what commands need: this machine, the registry, the base image, engines, Kubernetes and its pipelines."""
