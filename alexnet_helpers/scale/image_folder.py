"""A data set that lies in files, laid out as ImageNet's usually is."""

import collections
import concurrent.futures
import functools
import os
from pathlib import Path

import numpy as np

from alexnet_helpers import checks, data
from alexnet_helpers.data import decoding, photos

PARTS = ("train", "val")


class ImageFiles:
    """Images in files, in place of an array: each is read only when it is needed.

    (Keras' `image_dataset_from_directory` makes a `tf.data` pipeline, which has no
    index: the batches of a process could not be chosen from it by number.)

    An integer as index reads one image; a slice, integers or Booleans choose some of
    them, and `numpy.asarray` reads these, each as `data.read_photo` does.

    Parameters
    ----------
    files : sequence of str or path
    size : int
        Height and width in pixels to which the middle square of each is resized.

    Examples
    --------
    >>> images = ImageFiles(["a.png", "b.png", "c.png"], size=32)
    >>> images.shape, images[1:].shape
    ((3, 32, 32, 3), (2, 32, 32, 3))
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, files, size):
        several = isinstance(files, (list, tuple, np.ndarray))
        if not several or not all(map(_is_path, files)):
            checks.refuse("files", "a list of paths", files)
        size = photos.check_size(size)
        self.files = np.array(files, dtype=object)
        self.shape = (len(files), size, size, 3)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, chosen):
        files = self.files[chosen]
        if _is_path(files):
            return data.read_photo(files, size=self.shape[1])
        if files.ndim != 1:
            raise IndexError("images in files take one index, along one axis")
        return ImageFiles(files, self.shape[1])

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            reason = "images in files have to be read"
            raise ValueError(f"copy must be None or True, got False: {reason}")
        pixels = np.empty(self.shape, np.uint8)
        read = functools.partial(data.read_photo, size=self.shape[1])
        # Pillow lets other threads run while it decodes.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for number, photo in enumerate(pool.map(read, self.files)):
                pixels[number] = photo
        return pixels if dtype is None else pixels.astype(dtype)


def _is_path(file):
    return isinstance(file, (str, os.PathLike))


def load_image_folder(folder, size=32):
    """Find the images of a folder that has a subfolder for each class.

    Whatever else lies in it is passed over; a printed line says how many files of which
    kind.

    Parameters
    ----------
    folder : str or path
        Has `train/CLASS/*` and `val/CLASS/*`, with the same classes in both. The images
        may be of any size and kind that `data.read_photo` reads.
    size : int
        Height and width in pixels to which the middle square of each is resized.

    Returns
    -------
    data.ImageData
        With `ImageFiles` for `x_train` and `x_test` (the images of `val`).
        `class_names` are the names of the subfolders in alphabetical order.

    Raises
    ------
    ValueError
        If a folder is missing or has no images, or the classes of both differ.

    Examples
    --------
    >>> load_image_folder("photos").class_names  # doctest: +SKIP
    ('cat', 'dog')
    """
    folder, size = checks.path("folder", folder), photos.check_size(size)
    files = {part: _files_by_class(folder, part) for part in PARTS}
    if fault := _layout_fault(folder, files):
        needed = "a folder with train/CLASS/* and val/CLASS/*, the same classes in both"
        got = photos.quoted(folder)
        raise ValueError(f"folder must be {needed}, got {got} ({fault})")
    train, test = (_images_and_labels(files[part], size) for part in PARTS)
    names = tuple(files["train"])
    counts = f"{len(train[0]):,} and {len(test[0]):,} images of {len(names):,} classes"
    return data.ImageData(*train, *test, names, f"{folder.resolve().name}: {counts}")


def _images_and_labels(files_by_class, size):
    """Return the images of all classes, and the number of the class of each."""
    files = [file for files in files_by_class.values() for file in files]
    counts = [len(files) for files in files_by_class.values()]
    return ImageFiles(files, size), np.repeat(np.arange(len(counts)), counts)


def _files_by_class(folder, part):
    """Return {class: paths of its images}, sorted; say what was passed over."""
    if not (folder / part).is_dir():
        return {}
    classes, passed_over = {}, collections.Counter()
    readable = _readable_suffixes()
    for place in _visible(folder / part):
        if not place.is_dir():
            passed_over["outside the class folders"] += 1
            continue
        classes[place.name] = []
        for file in _visible(place.path):
            suffix = Path(file.name).suffix.lower()
            if suffix in readable and file.is_file():
                classes[place.name].append(file.path)
            else:
                kind = "folders" if file.is_dir() else suffix or "without a suffix"
                passed_over[kind] += 1
    if passed_over:
        kinds = passed_over.most_common(5)
        listed = ", ".join(f"{count:,} {kind}" for kind, count in kinds)
        print(f"Passed over in {folder.name}/{part}: {listed}.")
        needed = "images in class folders count, in a format that Pillow reads"
        print(f"Only {needed}: export others as JPEG.")
    return classes


def _visible(folder):
    """Return the entries of a folder that are not hidden, sorted by name."""
    with os.scandir(folder) as entries:
        visible = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted(visible, key=lambda entry: entry.name)


def _readable_suffixes():
    """Return the suffixes of the formats that Pillow can read, not only write."""
    from PIL import Image

    suffixes = Image.registered_extensions()
    formats = {"MPO", *Image.OPEN} - decoding.NO_PIXELS  # MPO is opened as JPEG
    return {suffix for suffix, name in suffixes.items() if name in formats}


def _layout_fault(folder, files):
    """Say what is wrong with a folder of images, or return ""."""
    if not folder.is_dir():
        return "a file" if folder.exists() else "there is no such folder"
    for part in PARTS:
        if not (folder / part).is_dir():
            return _say_what_is_there_instead(folder, part)
    for part, other in (PARTS, PARTS[::-1]):
        if odd := sorted(set(files[part]) - set(files[other])):
            return f"only in {part}: {', '.join(odd[:3])}"
    for part in PARTS:
        if not files[part]:
            return f"{part} has no class folders"
        if empty := [name for name, images in files[part].items() if not images]:
            return f"class {empty[0]} has no images in {part}"
    return ""


def _say_what_is_there_instead(folder, part):
    """Name the folders that are there in place of `train` or `val`."""
    names = [entry.name for entry in _visible(folder) if entry.is_dir()]
    listed = ", ".join(names[:5]) or "no folder at all"
    misspelled = [name for name in names if name.lower() == part]
    remedy = f": rename {misspelled[0]} to {part}" if misspelled else ""
    return f"it has no {part}, but {listed}{remedy}"
