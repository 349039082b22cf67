"""Batches of training images, and the split that holds out validation images."""

import math

import numpy as np

from alexnet_helpers import checks, load_keras, models, scale
from alexnet_helpers.augmentation import (
    AUGMENTATIONS,
    alternate_flip,
    check_augmentation,
)

keras = load_keras()

VALIDATION_IMAGES = 5_000
LARGEST_SEED = 2**32 - 1  # of NumPy's global generator, which Keras sets as well


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented batches, the same for a seed and epoch on every machine.

    Batch i of epoch e draws from a generator seeded with (seed, e, i), and nothing
    random is kept for the next one. So a run that is resumed sees what an unbroken run
    would have seen.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, 3)
    labels : ndarray of int, shape (N,)
        From 0 to `num_classes` - 1.
    batch_size : int
        The last batch of an epoch may be smaller.
    augmentation : list of str
        Some of `AUGMENTATION_NAMES`, applied in this order.
    seed : int
    num_classes : int
    refine_from : int, optional
        From this epoch on (counted from 0), nothing is erased.
    share : scale.Share
        Which part of each batch this process gets. The last batch of an epoch is
        shortened to what the devices can divide evenly.

    Examples
    --------
    >>> images, labels = np.zeros((5, 8, 8, 3), np.uint8), np.arange(5)
    >>> batches = Batches(images, labels, batch_size=2, augmentation=["shift", "flip"])
    >>> len(batches)
    3
    >>> x, y = batches[0]
    >>> x.shape, y.shape
    ((2, 8, 8, 3), (2, 10))
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
        n, last = self.images.shape[0], num_classes - 1
        labels = checks.integers("labels", labels, 0, last, length=n)
        self.labels = labels.astype(np.int64)
        self.batch_size = checks.integer("batch_size", batch_size)
        self.augmentation = check_augmentation(augmentation)
        self.seed = checks.integer("seed", seed, 0, LARGEST_SEED)
        never = isinstance(refine_from, float) and refine_from == math.inf
        if not never:
            refine_from = checks.integer("refine_from", refine_from, 0)
        self.refine_from = refine_from
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
        """Shuffle the images for this epoch."""
        self.epoch = checks.integer("epoch", epoch, 0)
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(len(self.images))
        self.order = order[: len(order) - len(order) % self.share.devices]

    def __len__(self):
        return math.ceil(len(self.order) / self.batch_size)

    def __getitem__(self, index):
        last = len(self) - 1
        if isinstance(index, (int, np.integer)) and not 0 <= index <= last:
            raise IndexError(f"index must be an integer from 0 to {last}, got {index}")
        index = checks.integer("index", index, 0)
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        own = self.share.part(len(chosen))
        # Random numbers are drawn for the other processes' images too, so that all
        # draw the same; but those images are not read, and stay black here.
        images = np.zeros((len(chosen), *self.images.shape[1:]), np.uint8)
        images[own] = self.images[chosen[own]]
        rng = np.random.default_rng([self.seed, self.epoch, index])
        for name in self.augmentation:
            if name == "alternate_flip":
                mirrored = self.mirrored_first[chosen] ^ (self.epoch % 2 == 1)
                images = alternate_flip(images, mirrored)
            elif not (name.startswith("erase") and self.epoch >= self.refine_from):
                images = AUGMENTATIONS[name](images, rng)
        return images[own], self.one_hot[self.labels[chosen[own]]]


def split_validation(images, labels, validation_images=VALIDATION_IMAGES, seed=0):
    """Split training data in two: one part to learn from, one to validate with.

    Parameters
    ----------
    images : ndarray, shape (N, ...)
    labels : ndarray, shape (N,)
    validation_images : int
        How many are held out: at most a fifth, so that small data sets keep enough to
        learn from. They are drawn at random, the same ones for the same seed.
    seed : int

    Returns
    -------
    (x_train, y_train), (x_validation, y_validation)

    Examples
    --------
    >>> digits = np.arange(10)
    >>> (x_train, _), (x_validation, _) = split_validation(digits, digits)
    >>> x_train, x_validation
    (array([0, 1, 2, 3, 5, 7, 8, 9]), array([4, 6]))
    """
    needed = "one for each image, along the first axis"
    if not hasattr(images, "shape"):  # images in files have one, and are not read here
        images = checks.as_array("images", images, needed)
    labels = checks.as_array("labels", labels, needed)
    for name, part in {"images": images, "labels": labels}.items():
        if not len(part.shape) or part.shape[0] != images.shape[0]:
            checks.refuse(name, needed, part)
    validation_images = checks.integer("validation_images", validation_images, 0)
    seed = checks.integer("seed", seed, 0, LARGEST_SEED)
    n = min(validation_images, len(images) // 5)
    order = np.random.default_rng(seed).permutation(len(images))
    held_out, rest = np.sort(order[:n]), np.sort(order[n:])
    return (images[rest], labels[rest]), (images[held_out], labels[held_out])
