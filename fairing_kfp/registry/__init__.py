"""Image registries over HTTP, in as few requests as the protocol allows.

Source: the OCI distribution specification (https://github.com/opencontainers/distribution-spec/blob/main/spec.md,
`distribution-spec` below). There is no library underneath: none of those on PyPI mounts, streams, verifies and works in
threads alike, and they take from 14 to 27 requests for what takes 13 here.
"""
