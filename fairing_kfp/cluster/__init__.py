"""Kubernetes objects of steps: create, adopt, apply, watch, stream logs, explain failures, delete."""
