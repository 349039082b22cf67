"""The images of the course: CIFAR-10, one photo, and the reader's own.

| module | holds |
| --- | --- |
| `cifar10` | `load_cifar10`, and the handwritten digits that stand in for it |
| `photos` | `sample_photo`, `read_photo`, `showable` |
| `decoding` | from a file of any kind to the pixels of its middle square |
| `folders` | where the data lie, and who may write there |
| `downloads` | large files from the network, whole or not at all |
"""

from alexnet_helpers.data.cifar10 import CLASS_NAMES, ImageData, load_cifar10
from alexnet_helpers.data.folders import DATA_FOLDER
from alexnet_helpers.data.photos import read_photo, sample_photo, showable

__all__ = [
    "CLASS_NAMES",
    "DATA_FOLDER",
    "ImageData",
    "load_cifar10",
    "read_photo",
    "sample_photo",
    "showable",
]
