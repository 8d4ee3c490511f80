"""The cluster builder: images are planned and pushed by a Job, for machines that cannot reach the registry."""
