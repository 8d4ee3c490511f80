"""Builders that use a container engine: Docker or Podman."""
