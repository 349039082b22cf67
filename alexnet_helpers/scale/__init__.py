"""What notebook 17 needs: training on several devices, or processes, or on a folder.

| module | holds |
| --- | --- |
| `devices` | how a training is shared (keras.distribution on the JAX backend) |
| `processes` | `run_job`, which starts several processes as one job |
| `image_folder` | a data set that lies in files, laid out as ImageNet's usually is |
"""

from alexnet_helpers.scale.devices import (
    ALONE,
    Share,
    check_agreement,
    check_share,
    distribution,
    find_share,
    undistributed,
)
from alexnet_helpers.scale.image_folder import ImageFiles, load_image_folder
from alexnet_helpers.scale.processes import run_job

__all__ = [
    "ALONE",
    "ImageFiles",
    "Share",
    "check_agreement",
    "check_share",
    "distribution",
    "find_share",
    "load_image_folder",
    "run_job",
    "undistributed",
]
