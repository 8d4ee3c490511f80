"""Builders: image recipe → image in a registry, folder or engine, and its reference by digest."""
