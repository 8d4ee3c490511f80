"""A stand-in for KFP's backend: the rules of its driver, launcher and metadata store, without a cluster."""
