"""Credentials: how they look, where they hide, and the gate that keeps them out of images and pipelines."""
