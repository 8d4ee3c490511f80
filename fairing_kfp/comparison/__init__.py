"""Comparing two pipelines: which steps differ, and what made them so."""
