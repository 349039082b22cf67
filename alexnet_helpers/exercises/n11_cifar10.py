"""The exercises of notebook 11_cifar10."""

import itertools
import math

import numpy as np
from scipy import stats

from alexnet_helpers.exercises.engine import exercise
from alexnet_helpers.exercises.functions import as_result, call

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
    "11.1",
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


def _paired_interval(scores, others, ddof=1, level=0.975):
    gains = np.subtract(scores, others)
    error = gains.std(ddof=ddof) / len(gains) ** 0.5
    return float(gains.mean()), float(stats.t.ppf(level, len(gains) - 1) * error)


def _with_half_width(half_width):
    """Return a function that is right but for the half-width of its interval."""
    return lambda a, b: (float(np.mean(a - b)), float(half_width(a, b)))


def _unpaired_error(a, b):
    return np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))


def _t(a, extra=-1, level=0.975):
    return stats.t.ppf(level, len(a) + extra)


_SCORES = [
    (
        np.array([45.0, 44.1, 44.6, 45.6, 45.4]),
        np.array([40.8, 40.6, 40.7, 41.1, 40.4]),
    ),
    (np.array([0.71, 0.693, 0.7]), np.array([0.725, 0.702, 0.716])),
    (np.array([62.0, 58.5]), np.array([60.5, 58.0])),
    (
        np.array([81.2, 83.0, 80.4, 84.1, 82.2, 79.9, 82.8, 81.5]),
        np.array([80.9, 82.1, 80.3, 83.0, 82.4, 79.1, 82.3, 81.0]),
    ),
]


exercise(
    "11.2",
    _paired_interval,
    cases=_SCORES,
    wrong=[
        (
            lambda a, b: _paired_interval(a, b, ddof=0),
            "NumPy divides the squares by n unless it is told otherwise: around their"
            " own mean, divide by n - 1 (ddof=1).",
        ),
        (
            lambda a, b: (
                float(np.mean(a) - np.mean(b)),
                float(2 * np.std(a - b, ddof=1) / len(a) ** 0.5),
            ),
            "Two standard errors are too few when they are estimated from a few runs:"
            " take the factor from stats.t.ppf.",
        ),
        (
            _with_half_width(lambda a, b: 1.96 * np.std(a - b, ddof=1) / len(a) ** 0.5),
            "1.96 holds for very many runs: take the factor from stats.t.ppf.",
        ),
        (
            _with_half_width(
                lambda a, b: _t([0] * 5) * np.std(a - b, ddof=1) / len(a) ** 0.5
            ),
            "2.8 is the factor for five seeds: another number of seeds has another df.",
        ),
        (
            _with_half_width(lambda a, b: 2.8 * np.std(a - b, ddof=1) / len(a) ** 0.5),
            "2.8 is the factor for five seeds: another number of seeds has another df.",
        ),
        (
            _with_half_width(
                lambda a, b: 2.776 * np.std(a - b, ddof=1) / len(a) ** 0.5
            ),
            "2.8 is the factor for five seeds: another number of seeds has another df.",
        ),
        (
            _with_half_width(lambda a, b: 4.9 * np.std(a - b, ddof=1) / len(a) ** 0.5),
            "That is the factor for one of six comparisons: this one is the only one.",
        ),
        (
            _with_half_width(
                lambda a, b: (
                    stats.norm.ppf(0.975) * np.std(a - b, ddof=1) / len(a) ** 0.5
                )
            ),
            "1.96 holds for very many runs: take the factor from stats.t.ppf.",
        ),
        (
            _with_half_width(lambda a, b: 2.8 * np.std(a - b) / len(a) ** 0.5),
            "Two things: 2.8 is the factor for five seeds, and the squares are to be"
            " divided by n - 1 (ddof=1).",
        ),
        (
            _with_half_width(lambda a, b: np.std(a - b) / len(a) ** 0.5),
            "Two things: the factor from stats.t.ppf is missing, and the squares are to"
            " be divided by n - 1 (ddof=1).",
        ),
        (
            _with_half_width(lambda a, b: np.std(a - b, ddof=1) / len(a) ** 0.5),
            "That is the standard error: the interval reaches further, by the factor"
            " from stats.t.ppf.",
        ),
        (
            _with_half_width(lambda a, b: _t(a) * np.std(a - b, ddof=1)),
            "That is for a single run: the mean of n gains varies by the square root"
            " of n less.",
        ),
        (
            _with_half_width(lambda a, b: _t(a) * np.std(a - b, ddof=1) / len(a)),
            "You divided by n: the standard error of a mean has its square root.",
        ),
        (
            lambda a, b: _paired_interval(a, b, level=0.95),
            "5 % on one side make 10 % on both: 0.975.",
        ),
        (
            lambda a, b: _paired_interval(a, b, level=1 - 0.025 / 6),
            "That is the factor for one of six comparisons: this one is the only one.",
        ),
        (
            _with_half_width(
                lambda a, b: _t(a, extra=0) * np.std(a - b, ddof=1) / len(a) ** 0.5
            ),
            "df is the divisor of the squares: one less than the number of seeds.",
        ),
        (
            _with_half_width(lambda a, b: _t(a) * _unpaired_error(a, b)),
            "You added the variances of both recipes: subtract seed by seed first.",
        ),
        (
            _with_half_width(
                lambda a, b: stats.t.ppf(0.975, 2 * len(a) - 2) * _unpaired_error(a, b)
            ),
            "You added the variances of both recipes: subtract seed by seed first.",
        ),
        (
            lambda a, b: _paired_interval(np.sort(a), np.sort(b)),
            "You sorted the scores: then they are no longer pairs of one seed.",
        ),
        (
            lambda a, b: (
                abs(_paired_interval(a, b)[0]),
                _paired_interval(a, b)[1],
            ),
            "A loss is a negative gain: keep the sign.",
        ),
        (
            lambda a, b: _paired_interval(b, a),
            "The gain is that of the first over the second: positive if the first is"
            " better.",
        ),
        (
            lambda a, b: _paired_interval(a, b)[::-1],
            "The gain comes first, then the half-width.",
        ),
        (
            lambda a, b: (
                _paired_interval(a, b)[0] - _paired_interval(a, b)[1],
                _paired_interval(a, b)[0] + _paired_interval(a, b)[1],
            ),
            "Those are the interval's two ends: return its middle, and how far it"
            " reaches to each side.",
        ),
        (
            lambda a, b: (
                _paired_interval(a, b)[0],
                2 * _paired_interval(a, b)[1],
            ),
            "That is the whole width: return how far it reaches to each side.",
        ),
        (
            lambda a, b: (
                _paired_interval(a, b)[0],
                -_paired_interval(a, b)[1],
            ),
            "How far an interval reaches is positive: 0.975, not 0.025.",
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
