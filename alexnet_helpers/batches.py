"""Batches of training images, and the split that keeps validation images out of them."""

import math

import numpy as np

from alexnet_helpers import checks, load_keras, models, scale
from alexnet_helpers.augmentation import (
    AUGMENTATION_NAMES,
    AUGMENTATIONS,
    alternate_flip,
)

keras = load_keras()

VALIDATION_IMAGES = 5_000
LARGEST_SEED = 2**32 - 1  # of NumPy's global generator, which Keras sets as well


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented batches, the same for the same seed and epoch on every machine.

    Nothing random is kept from one batch to the next: batch i of epoch e draws from a generator
    seeded with (seed, e, i). So a run that is resumed sees what an unbroken run would have seen.
    From epoch `refine_from` (counted from 0) on, nothing is erased. With a `share`, this process
    gets its part of each batch; the last batch of an epoch is shortened to what its devices can
    divide evenly.

    Raises
    ------
    ValueError : if the images are not N x height x width x 3 uint8, the labels are not one integer
        from 0 to `num_classes` - 1 for each, or the devices cannot divide a batch evenly.
    IndexError : for a batch that the epoch does not have.
    """

    def __init__(
        self,
        images,
        labels,
        batch_size,
        augmentation=(),
        seed=0,
        num_classes=10,
        refine_from=math.inf,
        share=scale.ALONE,
    ):
        super().__init__()
        num_classes = checks.integer("num_classes", num_classes, 1, models.MOST_CLASSES)
        self.images = checks.pixels("images", images)
        n = self.images.shape[0]
        self.labels = checks.integers(
            "labels", labels, 0, num_classes - 1, length=n
        ).astype(np.int64)
        self.batch_size = checks.integer("batch_size", batch_size)
        if not isinstance(augmentation, (list, tuple)):
            checks.refuse(
                "augmentation",
                f"a list of names out of {', '.join(AUGMENTATION_NAMES)}",
                augmentation,
            )
        self.augmentation = checks.names(
            "augmentation", augmentation, AUGMENTATION_NAMES
        )
        self.seed = checks.integer("seed", seed, 0, LARGEST_SEED)
        never = isinstance(refine_from, float) and refine_from == math.inf
        self.refine_from = (
            refine_from if never else checks.integer("refine_from", refine_from, 0)
        )
        self.share = scale.check_share(share)
        if self.batch_size % share.devices or n < share.devices:
            raise ValueError(
                f"batch_size must be a multiple of the {share.devices} devices, and"
                f" there must be an image for each, got {self.batch_size} for {n}"
                " images"
            )
        self.one_hot = np.eye(num_classes, dtype=np.float32)
        self.mirrored_first = np.random.default_rng(self.seed).random(n) < 0.5
        self.start_epoch(0)

    def start_epoch(self, epoch):
        self.epoch = checks.integer("epoch", epoch, 0)
        order = np.random.default_rng([self.seed, self.epoch]).permutation(
            len(self.images)
        )
        self.order = order[: len(order) - len(order) % self.share.devices]

    def __len__(self):
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index):
        if isinstance(index, (int, np.integer)) and not 0 <= index < len(self):
            raise IndexError(
                f"index must be an integer from 0 to {len(self) - 1}, got {index}"
            )
        index = checks.integer("index", index, 0)
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        mine = self.share.part(len(chosen))
        # The other processes' images stay black here: random numbers are drawn for them, but they are not read.
        images = np.zeros((len(chosen), *self.images.shape[1:]), np.uint8)
        images[mine] = self.images[chosen[mine]]
        rng = np.random.default_rng([self.seed, self.epoch, index])
        for name in self.augmentation:
            if name == "alternate_flip":
                images = alternate_flip(
                    images, self.mirrored_first[chosen] ^ (self.epoch % 2 == 1)
                )
            elif not (name.startswith("erase") and self.epoch >= self.refine_from):
                images = AUGMENTATIONS[name](images, rng)
        return images[mine], self.one_hot[self.labels[chosen[mine]]]


def split_validation(images, labels, validation_images=VALIDATION_IMAGES, seed=0):
    """Split training data in two: (x_train, y_train), (x_validation, y_validation).

    The validation images are drawn at random, the same ones for the same seed, never from the test
    set. `validation_images` is at most a fifth of the images (small data sets keep enough to learn).
    """
    wanted = "one for each image, along the first axis"
    if not hasattr(images, "shape"):  # images in files have one, and are not read here
        images = checks.as_array("images", images, wanted)
    labels = checks.as_array("labels", labels, wanted)
    for name, part in {"images": images, "labels": labels}.items():
        if not len(part.shape) or part.shape[0] != images.shape[0]:
            checks.refuse(name, wanted, part)
    validation_images = checks.integer("validation_images", validation_images, 0)
    seed = checks.integer("seed", seed, 0, LARGEST_SEED)
    n = min(validation_images, len(images) // 5)
    order = np.random.default_rng(seed).permutation(len(images))
    held_out, rest = np.sort(order[:n]), np.sort(order[n:])
    return (images[rest], labels[rest]), (images[held_out], labels[held_out])
