"""Fairing's cloud."""

from fairing_kfp.classic.work.submodules import submodules

__getattr__ = submodules(__name__)
