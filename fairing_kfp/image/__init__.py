"""Images as values: names, platforms, layers, manifests, and the recipe that ties them together. No network.

Sources: the OCI image specification (https://github.com/opencontainers/image-spec, `image-spec` below) and Docker's
image manifest version 2, schema 2 (https://distribution.github.io/distribution/spec/manifest-v2-2/).
"""

from fairing_kfp.image.image import Image
from fairing_kfp.image.layer import File, Layer
from fairing_kfp.image.multi_image import MultiImage
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference

__all__ = ["File", "Image", "Layer", "MultiImage", "Platform", "Reference"]
