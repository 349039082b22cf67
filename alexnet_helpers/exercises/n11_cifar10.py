"""The exercises of notebook 11_cifar10."""

import itertools
import math

import numpy as np

from alexnet_helpers.exercises.engine import exercise
from alexnet_helpers.exercises.functions import as_result, call


def _normalize_images(images, mean, std):
    return ((images - mean) / std).astype(np.float32)


def _float32(function):
    return lambda images, mean, std: np.asarray(function(images, mean, std)).astype(
        np.float32
    )


def _in_place(images, mean, std):
    images -= mean
    images /= std
    return images


def _from_noise(seed, shape):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


exercise(
    "11.1",
    _normalize_images,
    cases=[
        (
            _from_noise(0, (3, 32, 32, 3)),
            np.array([125.0, 120.0, 110.0]),
            np.array([60.0, 50.0, 70.0]),
        ),
        (
            _from_noise(1, (2, 32, 32, 3)),
            np.array([90.5, 140.25, 33.0]),
            np.array([31.5, 80.0, 44.0]),
        ),
    ],
    wrong=[
        (
            _float32(lambda x, mean, std: (x - mean.astype(np.uint8)) / std),
            "Below the mean uint8 begins again at 255: convert the images first.",
        ),
        (
            lambda x, mean, std: ((x - mean) / std).astype(int),
            "The result needs fractions and negative numbers: float32.",
        ),
        (
            _float32(
                lambda x, mean, std: (
                    (x - x.mean(axis=(0, 1, 2))) / x.std(axis=(0, 1, 2))
                )
            ),
            "Use the mean and standard deviation that are given: those of these images"
            " may be other ones.",
        ),
        (
            _float32(lambda x, mean, std: (x - x.mean()) / x.std()),
            "You used one mean and one standard deviation of these very images: use"
            " those that are given.",
        ),
        (
            _float32(lambda x, mean, std: x / 255),
            "That only scales the values to 0-1:"
            " the mean and the standard deviation are not used.",
        ),
        (
            _float32(lambda x, mean, std: x / 127.5 - 1),
            "That brings 0-255 to -1 to 1: the mean and the standard deviation that"
            " are given are not used.",
        ),
        (
            _float32(lambda x, mean, std: x / 255 - 0.5),
            "That brings 0-255 to -0.5 to 0.5: the mean and the standard deviation"
            " that are given are not used.",
        ),
        (
            _float32(lambda x, mean, std: (x - mean) * std),
            "You multiplied by the standard deviation: divide by it.",
        ),
        (
            lambda x, mean, std: ((x - mean) / std).astype(np.uint8),
            "The result needs fractions and negative numbers: float32.",
        ),
        (
            _float32(lambda x, mean, std: (mean - x) / std),
            "The sign is reversed: a pixel brighter than the mean comes out positive.",
        ),
        (
            _float32(lambda x, mean, std: (x - mean) / std**2),
            "You divided by the variance.",
        ),
        (
            _float32(lambda x, mean, std: (x - mean) / np.sqrt(std)),
            "You took a square root: what is given is a standard deviation already,"
            " not a variance.",
        ),
        (
            _float32(lambda x, mean, std: x - mean),
            "The standard deviation is missing: divide by it.",
        ),
        (
            _float32(lambda x, mean, std: x - mean / std),
            "Subtract first: (images - mean) needs brackets.",
        ),
        (
            _float32(lambda x, mean, std: x / std - mean),
            "Subtract first, then divide.",
        ),
        (
            _float32(lambda x, mean, std: (x - mean[::-1]) / std[::-1]),
            "The channels of the images are in the order of the mean: do not reverse"
            " it.",
        ),
        (
            _float32(lambda x, mean, std: (x / 255 - mean) / std),
            "The mean is one of values 0-255, so it is not for images divided by 255.",
        ),
        (
            _float32(lambda x, mean, std: (x / 255 - mean / 255) / std),
            "You scaled the images and the mean to 0-1, but not the standard"
            " deviation: leave all three as they are.",
        ),
        (
            _float32(
                lambda x, mean, std: (
                    (x - x.mean(axis=(1, 2), keepdims=True))
                    / x.std(axis=(1, 2), keepdims=True)
                )
            ),
            "You took a mean and a standard deviation of each image: use those that are"
            " given.",
        ),
        (
            _float32(lambda x, mean, std: np.clip((x - mean) / std, 0, None)),
            "All values below the mean came out as 0: keep the negative numbers.",
        ),
        (
            _float32(lambda x, mean, std: np.clip((x - mean) / std, 0, 1)),
            "You cut the values off at 0 and 1: they may lie outside.",
        ),
        (
            _float32(lambda x, mean, std: np.clip((x - mean) / std, -1, 1)),
            "You cut the values off at -1 and 1: they may lie outside.",
        ),
        (
            _float32(lambda x, mean, std: np.abs((x - mean) / std)),
            "The signs are lost: a pixel darker than the mean comes out negative.",
        ),
        (
            _float32(lambda x, mean, std: (x - mean.mean()) / std.mean()),
            "Each channel has a mean and a standard deviation of its own.",
        ),
        (
            lambda x, mean, std: (x - mean) / std,
            "The values are right, but the result is float64",
        ),
        (
            lambda x, mean, std: ((x - mean) / std).astype(np.float16),
            "float16 keeps only about three digits: float32 is asked for.",
        ),
        (
            lambda x, mean, std: (np.float16(x) - np.float16(mean)) / np.float16(std),
            "float16 keeps only about three digits: float32 is asked for.",
        ),
        (
            _in_place,
            "You subtracted in place, but uint8 cannot hold the result: convert the"
            " images first.",
        ),
    ],
)


_FAIR = "Each choice should be equally likely over all seeds, as in a fair shuffle."


def judge_split(split, trials=((100, 20), (45, 30))):
    """Return None for a random split of the images, or else a hint.

    The trials are pairs (number of images, number of images held out).
    """
    for images, count in trials:
        parts = call(split, images, count, 0)
        hint = _flaw_in_parts(parts, images, count)
        if not hint:
            seed_0, seed_1 = (
                np.sort(as_result(call(split, images, count, seed)[1]))
                for seed in (0, 1)
            )
            hint = _flaw_in_chance(np.sort(parts[1]), seed_0, seed_1, images)
        if hint:
            return hint
    return _flaw_in_frequency(split) or _flaw_in_choices(split)


def _flaw_in_choices(split, sizes=((6, 2, 400), (7, 3, 400), (7, 2, 3_500))):
    """Count how often each choice of numbers comes up: images, held out, seeds.

    A right split passes the limit on chi-squared less than once in a million times.
    With 3,500 seeds, a shuffle that exchanges each number with any of all does not.
    """
    for images, count, seeds in sizes:
        codes = np.zeros(seeds, int)  # one bit for each number
        for seed in range(seeds):
            parts = call(split, images, count, seed)
            if seed < 400 and (hint := _flaw_in_parts(parts, images, count)):
                return hint
            codes[seed] = sum(1 << int(number) for number in as_result(parts[1]))
        choices = list(itertools.combinations(range(images), count))
        often = [(codes == sum(1 << n for n in choice)).sum() for choice in choices]
        expected, freedom = seeds / len(often), len(often) - 1
        squared = sum((n - expected) ** 2 for n in often) / expected
        if squared > freedom + 8 * math.sqrt(2 * freedom):
            worst = int(np.argmax(np.abs(np.array(often) - expected)))
            numbers = choices[worst]
            together = f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
            return (
                f"{count} of {images} numbers can be chosen in {len(often)} ways. In"
                f" {seeds} seeds each should come up about {expected:.0f} times; yours"
                f" hold out {together} together {often[worst]} times. {_FAIR}"
            )
    return None


def _flaw_in_frequency(split, images=10, count=3, seeds=300):
    """Count how often each number is held out; luck stays within four deviations."""
    often = np.zeros(images, int)
    for seed in range(seeds):
        often[as_result(call(split, images, count, seed)[1])] += 1
    expected = seeds * count / images
    apart = abs(often - expected)
    if apart.max() <= 4 * np.sqrt(expected * (1 - count / images)):
        return None
    number = apart.argmax()
    return (
        f"With {count} of {images} numbers held out, {seeds} seeds should hold out each"
        f" about {expected:.0f} times; yours hold out number {number}"
        f" {often[number]} times."
    )


def _flaw_in_parts(parts, images, count):
    if not isinstance(parts, (tuple, list)) or len(parts) != 2:
        return "Return two arrays: the numbers to train on, and the numbers held out."
    kept, held_out = map(as_result, parts)
    if any(part.ndim != 1 or part.dtype.kind not in "iu" for part in (kept, held_out)):
        return (
            "Return one-dimensional arrays of integers: they are to index the images."
        )
    if len(np.unique(held_out)) < len(held_out):
        return "A number is held out twice: draw each at most once."
    found, right = (len(kept), len(held_out)), (images - count, count)
    if found != right and found == right[::-1]:
        return "The numbers to train on come first, those held out second."
    if found != right:
        return (
            f"Of {images} images with {count} held out you train on {len(kept)} and"
            f" hold out {len(held_out)}."
        )
    if np.intersect1d(kept, held_out).size:
        return (
            "A number is in both parts: the network would be tested on what it was"
            " trained on."
        )
    if not np.array_equal(np.sort(np.concatenate([kept, held_out])), np.arange(images)):
        return (
            f"The two parts together must hold each number from 0 to {images - 1} once."
        )
    return None


def _flaw_in_chance(held_out, seed_0, seed_1, images):
    """Compare what is held out at first, for the same seed again, and for another."""
    gaps, count = np.sort(np.diff(held_out)), len(held_out)
    # The largest gap may lead past the end.
    if 3 * count <= images and gaps[0] > 1 and gaps[-2] - gaps[0] <= 1:
        return (
            "The numbers held out are equally spaced: the first decides all others."
            " Let chance decide for each."
        )
    if not np.array_equal(held_out, seed_0):
        return "The same seed must give the same split each time."
    if np.array_equal(seed_0, seed_1):
        return "Another seed should give another split: let chance decide."
    if (np.diff(seed_0) == 1).sum() >= count - 2:
        return (
            "Neighbouring numbers are held out together: let chance decide for each"
            " number."
        )
    return None


def _split_by(order):
    """Return a split that holds out the first of the numbers `order(images, rng)`."""

    def split(images, held_out, seed):
        numbers_in_order = order(images, np.random.default_rng(seed))
        return numbers_in_order[held_out:], numbers_in_order[:held_out]

    return split


def _equally_spaced(images, held_out, seed):
    start = np.random.default_rng(seed).integers(images)
    chosen = (start + np.arange(held_out) * images // held_out) % images
    return np.setdiff1d(np.arange(images), chosen), chosen


def _in_pairs(images, rng):
    """Order the numbers so that 2k and 2k + 1 stay together."""
    pairs = 2 * rng.permutation(images // 2)[:, None] + np.arange(2)
    pairs = rng.permuted(pairs, axis=1)
    return np.append(pairs.ravel(), np.arange(images // 2 * 2, images))


def _one_of_each_block(images, held_out, seed):
    rng = np.random.default_rng(seed)
    edges = np.arange(held_out + 1) * images // held_out
    chosen = rng.integers(edges[:-1], edges[1:]) + rng.integers(images)
    return np.setdiff1d(np.arange(images), chosen % images), chosen % images


def _affine(images, rng):
    """Return a·i + b for all i, modulo the number of images."""
    factors = [a for a in range(2, images) if math.gcd(a, images) == 1]
    return (rng.choice(factors) * np.arange(images) + rng.integers(images)) % images


def _exchanged_with_any(images, rng):
    """Exchange each place with one of all, not of those that remain."""
    order = np.arange(images)
    for here in range(images):
        there = rng.integers(images)
        order[[here, there]] = order[[there, here]]
    return order


exercise(
    "11.2",
    judge=judge_split,
    wrong=[
        (
            _split_by(lambda n, rng: np.arange(n)),
            "Another seed should give another split",
        ),
        (_split_by(lambda n, rng: rng.integers(0, n, n)), "A number is held out twice"),
        (
            _split_by(lambda n, rng: np.resize(rng.permutation(n // 2), n)),
            "A number is in both parts",
        ),
        (
            _split_by(lambda n, rng: np.random.default_rng().permutation(n)),
            "The same seed must give the same split",
        ),
        (
            _split_by(lambda n, rng: np.roll(np.arange(n), rng.integers(n))),
            "Neighbouring numbers are held out",
        ),
        (_equally_spaced, "The numbers held out are equally spaced"),
        (
            _split_by(lambda n, rng: rng.permutation(n) + 1),
            "each number from 0 to 99 once",
        ),
        (
            _split_by(lambda n, rng: rng.permutation(n).astype(float)),
            "arrays of integers",
        ),
        (
            lambda n, count, seed: _split_by(lambda n, rng: rng.permutation(n))(
                n, count, seed
            )[::-1],
            "come first",
        ),
        (
            lambda n, count, seed: _split_by(lambda n, rng: rng.permutation(n))(
                n, 20, seed
            ),
            "Of 45 images with 30",
        ),
        (
            lambda n, count, seed: np.random.default_rng(seed).permutation(n),
            "Return two arrays",
        ),
        (
            _split_by(lambda n, rng: np.append(rng.permutation(n - 1), n - 1)),
            "about 90 times; yours hold out number 9 0 times",
        ),
        (
            _split_by(lambda n, rng: np.append(0, 1 + rng.permutation(n - 1))),
            "about 90 times; yours hold out number 0 300 times",
        ),
        (_split_by(_in_pairs), "equally likely over all seeds"),
        (_one_of_each_block, "equally likely over all seeds"),
        (_split_by(_affine), "equally likely over all seeds"),
        (_split_by(_exchanged_with_any), "equally likely over all seeds"),
        (
            _split_by(lambda n, rng: np.argsort(rng.integers(0, n, n))),
            "equally likely over all seeds",
        ),
        (
            lambda n, count, seed: _split_by(lambda n, rng: rng.permutation(n))(
                n, count, seed % 50
            ),
            "equally likely over all seeds",
        ),
    ],
)

exercise(
    "11.3",
    12_800,
    hints=[
        (
            6_400,
            "That suffices for one accuracy. For a difference, the variances of two"
            " accuracies add up.",
        ),
        (
            25_600,
            "Those are the images of both networks together, or you added two standard"
            " errors: n counts one network's images, and variances add.",
        ),
        (
            3_200,
            "A difference varies more than one accuracy, not less: the variances add"
            " up.",
        ),
        (
            1.28,
            "You entered 0.5, but half a percentage point is 0.005 if p is 0.8.",
        ),
        (0.64, "Half a percentage point is 0.005 if p is 0.8. And two variances add."),
        (
            128,
            "Half a percentage point is 0.005 if p is 0.8, not 0.05.",
        ),
        (
            (2 * 0.8 * 0.2) ** 0.5 / 0.005,
            "Square both sides: n is under the root.",
        ),
        (
            80,
            "Square both sides: n is under the root. And two variances add up.",
        ),
        (
            64,
            "n is divided by the square of the standard error: 0.005 squared.",
        ),
        (
            51_200,
            "That makes two standard errors half a point: one is asked for.",
        ),
        (
            20_000,
            "You used p(1 - p) = 0.25, which holds for p = 0.5. Here p is 0.8.",
        ),
        (
            1_600,
            "With 1,600 images one accuracy has a standard error of 1 point. The"
            " difference is to have 0.5.",
        ),
        (
            8_000,
            "The variance of one answer is p(1 - p), not 1 - p. And two variances add.",
        ),
        (
            16_000,
            "The variance of one answer is p(1 - p), not 1 - p.",
        ),
        (
            10_000,
            "You used p(1 - p) = 0.25, which holds for p = 0.5. And two variances add.",
        ),
        (
            32_000,
            "The variance of one answer is p(1 - p), not p. And two variances add.",
        ),
        (
            40_000,
            "You left out the variance of one answer, p(1 - p). And two variances add.",
        ),
        (
            80_000,
            "You left out the variance of one answer, p(1 - p).",
        ),
        (
            64_000,
            "The variance of one answer is p(1 - p), not p.",
        ),
    ],
)
