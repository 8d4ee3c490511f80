"""Cache on disk: layers, locks, unpacked packages and records, shared by all processes of a user."""
