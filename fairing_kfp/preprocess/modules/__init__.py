"""Modules of the user that are packed with a component."""
