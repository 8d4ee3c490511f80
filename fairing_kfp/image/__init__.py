"""OCI images as values: references, platforms, layers, manifests and images. No module here reads or writes anything.

Sources: the OCI image specification (https://github.com/opencontainers/image-spec, `image-spec` below) and Docker's
image manifest version 2, schema 2 (https://distribution.github.io/distribution/spec/manifest-v2-2/).
"""

from fairing_kfp.image.image import Image, MultiPlatformImage
from fairing_kfp.image.layer import File, Layer
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference

__all__ = ["File", "Image", "Layer", "MultiPlatformImage", "Platform", "Reference"]
