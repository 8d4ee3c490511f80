"""Packages of a step: requirements, resolved by uv into a lock, unpacked from wheels, and stored as layers."""
