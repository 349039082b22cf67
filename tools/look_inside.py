"""Measure what notebook 14 draws, on more images and draws than a notebook can wait for.

    python tools/look_inside.py
    python tools/look_inside.py PART    measures only the "moved" photos, "units" switched off, the maps' "likeness",
                                        the "deletion" test or the "signs" that fool the network, and keeps the rest

Writes data/results/look_inside.csv (one number a row) and data/results/look_inside-dots.csv (the points
of three scatter plots). The network is "modern_half", which has never seen the validation images; all images
are of those. As a control stand untrained networks, which normalize by 500 of the training images; maps are also
compared with those of the course's other trained network ("cifar10", which has learned from these images, too).
Needs CIFAR-10, or measures the digits. Takes half an hour or so on two CPU cores.
"""

import functools
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from alexnet_helpers import data, load_keras, models, results  # noqa: E402
from alexnet_helpers.batches import split_validation  # noqa: E402
from tools import tiles  # noqa: E402

keras = load_keras()
LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")  # each after its ReLU
SEEDS = range(3)
NUMBERS = 192  # of a layer that a probe gets: as many as conv1's averages
BEST = 20  # images of a unit whose classes are counted
MEAN_COLOUR = np.float32([125, 123, 114])  # of CIFAR-10


def main():
    """Measure everything, and write both tables."""
    begin = time.monotonic()
    dataset = data.load_cifar10()
    (unlabelled, _), (images, labels) = split_validation(dataset.x_train, dataset.y_train)
    unlabelled = unlabelled[:500].astype("float32")
    print(f"{len(images):,} validation images of {dataset.source}", flush=True)
    if sys.argv[1:]:
        parts = {
            "moved": (
                tuple(CHANGES),
                lambda network: all_moved_rows(network, images, unlabelled),
            ),
            "units": (
                ("class", "accuracy lost"),
                lambda network: knocked_out_rows(network, outputs_of(network, images), labels),
            ),
            "likeness": ("likeness", lambda _: likeness_rows(images[:100], unlabelled)),
            "deletion": ("answers changed", lambda network: deletion_rows(network, images[:300])),
            "signs": ("accuracy with signs", lambda network: fooled_rows(network, images[:500], labels[:500])),
        }
        if sys.argv[1] not in parts:
            raise ValueError(f"PART must be one of {', '.join(parts)}, got {sys.argv[1]!r}")
        begins, measured = parts[sys.argv[1]]
        stored = pd.read_csv(ROOT / "data" / "results" / "look_inside.csv", dtype=str, keep_default_na=False)
        new = table_of(measured(models.alexnet_cifar10(weights="modern_half")), dataset)
        write("look_inside", pd.concat([stored[~stored["measure"].str.startswith(begins)], new]))
        return
    networks = {("trained", None): models.alexnet_cifar10(weights="modern_half")}
    networks |= {("untrained", seed): untrained(seed, unlabelled) for seed in SEEDS}
    rows = [("probe", "pixels", seed, "pixels", value) for seed, value in probes(averaged(images, 8), labels)]
    for (name, own_seed), network in networks.items():
        layers = outputs_of(network, images)
        rows += probe_rows(name, own_seed, layers, labels)
        rows += moved_rows(name, own_seed, network, images, layers)
        rows += same_class_rows(name, own_seed, layers, labels)
        rows += purity_rows(name, own_seed, layers, labels)
        if own_seed is None:
            rows += knocked_out_rows(network, layers, labels)
            rows += deletion_rows(network, images[:300])
            rows += fooled_rows(network, images[:500], labels[:500])
        if own_seed in (None, 0):
            networks[name, own_seed] = layers["fc7"]
        print(name, own_seed, f"{time.monotonic() - begin:.0f} s", flush=True)
    spaces = {"pixels": images, "untrained fc7": networks["untrained", 0], "trained fc7": networks["trained", None]}
    rows += likeness_rows(images[:100], unlabelled)
    write("look_inside", table_of(rows, dataset))
    write("look_inside-dots", dots(spaces, labels, dataset.class_names).assign(source=dataset.source).round(4))


def table_of(rows, dataset):
    """Return the measurements as a table."""
    numbers = pd.DataFrame(rows, columns=["measure", "network", "seed", "of", "value"])
    # As float64: a float32 would be written with digits that it does not have.
    return numbers.astype({"value": float}).round({"value": 4}).assign(source=dataset.source)


def write(name, table):
    """Write a table of results."""
    results.write_table(ROOT / "data" / "results" / f"{name}.csv", table)
    print(f"data/results/{name}.csv: {len(table)} rows")


def untrained(seed, unlabelled):
    """Return the same network as it was before it learned, from other random weights for each seed."""
    keras.utils.set_random_seed(seed)
    network = models.alexnet_cifar10("modern", width=0.5, kernel_initializer="he_normal", centred_input=True)
    tiles.measure(network, unlabelled)
    return network


def second_untrained(seed, unlabelled):
    """Return the course's best network as it was before it learned: conv1 set from images, the rest random."""
    keras.utils.set_random_seed(seed)
    network = models.alexnet_cifar10("today", kernel_initializer="he_normal")
    models.whiten(network, unlabelled.astype("uint8"))
    tiles.measure(network, unlabelled)
    return network


@functools.cache
def inside(network):
    """Return a model that computes the outputs of the hidden layers, after their ReLU."""
    return keras.Model(network.inputs[0], [network.get_layer(f"relu{number}").output for number in range(1, 8)])


def outputs_of(network, images):
    """Return {layer: its output}, in float16 to keep 5,000 images of all layers in 1 GB."""
    found = [[] for _ in LAYERS]
    for start in range(0, len(images), 250):
        for kept, output in zip(found, inside(network).predict(images[start : start + 250], batch_size=250, verbose=0)):
            kept.append(output.astype("float16"))
    return dict(zip(LAYERS, map(np.concatenate, found), strict=True))


def averaged(output, side):
    """Return a row for each image: maps as averages over side × side squares, dense outputs as they are."""
    if output.ndim == 2:
        return output.astype("float32")
    n, size, _, maps = output.shape
    squares = output.astype("float32").reshape(n, side, size // side, side, size // side, maps)
    return squares.mean(axis=(2, 4)).reshape(n, -1)


# --- the measurements ---


def probes(rows, labels, seeds=SEEDS):
    """Yield (seed, accuracy) of a linear classifier on the last fifth of the images.

    It gets 192 numbers, drawn anew for each seed, fits the ten classes by least squares on three fifths
    of the images (standardized, with a penalty on large weights) and chooses the penalty on another fifth.
    """
    from scipy.linalg import solve

    for seed in seeds:
        rng = np.random.default_rng(seed)
        order, x = rng.permutation(len(rows)), rows[:, rng.choice(rows.shape[1], NUMBERS, replace=False)]
        learn, choose, meet = np.split(order, [len(order) * 3 // 5, len(order) * 4 // 5])
        x = (x - x[learn].mean(axis=0)) / np.maximum(x[learn].std(axis=0), 1e-6)
        targets = np.eye(labels.max() + 1, dtype="float32")[labels[learn]] - 0.1
        products, answers = x[learn].T @ x[learn], x[learn].T @ targets
        found = []
        for penalty in (30.0, 300.0, 3000.0, 30000.0):
            weights = solve(products + penalty * np.eye(len(products), dtype="float32"), answers, assume_a="pos")
            found.append([((x[part] @ weights).argmax(axis=1) == labels[part]).mean() for part in (choose, meet)])
        yield seed, max(found)[1]


def probe_rows(name, own_seed, layers, labels):
    """Probe each layer: a map gives its averages over its four quarters."""
    seeds = SEEDS if own_seed is None else (own_seed,)
    quarters = {layer: averaged(output, 2) for layer, output in layers.items()}
    return [("probe", name, seed, layer, x) for layer in layers for seed, x in probes(quarters[layer], labels, seeds)]


def moved(images, _=None):
    """Move each image to the right by a pixel, and repeat its left column."""
    return np.concatenate([images[:, :, :1], images[:, :, :-1]], axis=2)


def noisy(images, seed):
    """Add to each image normal noise as long as the change by which `moved` moves it."""
    images, noise = images.astype("float32"), np.random.default_rng(seed).normal(size=images.shape)
    lengths = [np.sqrt((x**2).sum(axis=(1, 2, 3), keepdims=True)) for x in (moved(images) - images, noise)]
    return (images + noise * lengths[0] / lengths[1]).astype("float32")


CHANGES = {"moved by a pixel": moved, "noise of the same length": noisy}


def moved_rows(name, own_seed, network, images, layers):
    """Say for 500 images how far a change moves each layer, as a multiple of the distance of two images."""
    rows, n = [], len(images) // 10
    for change, function in CHANGES.items():
        for seed in SEEDS if own_seed is None else (own_seed,):
            part = slice(seed * n, seed * n + n)
            changed = outputs_of(network, function(images[part], seed))
            for layer, output in layers.items():
                before, after = (x.reshape(n, -1).astype("float32") for x in (output[part], changed[layer]))
                apart = np.median(np.linalg.norm(before - np.roll(before, 1, axis=0), axis=1))
                rows.append((change, name, seed, layer, np.median(np.linalg.norm(after - before, axis=1)) / apart))
    return rows


def all_moved_rows(network, images, unlabelled):
    """Measure `moved_rows` of all networks, with the outputs of those images alone that they need."""
    networks, rows = [("trained", None, network)], []
    networks += [("untrained", seed, untrained(seed, unlabelled)) for seed in SEEDS]
    for name, own_seed, one in networks:
        rows += moved_rows(name, own_seed, one, images, outputs_of(one, images[: len(images) // 10 * len(SEEDS)]))
    return rows


def same_class_rows(name, own_seed, layers, labels):
    """Say for the same images how far another image of the class is, as a multiple of the distance of two images."""
    rows, n = [], len(labels) // 10
    for seed in SEEDS if own_seed is None else (own_seed,):
        part = slice(seed * n, seed * n + n)
        others = np.arange(n)
        for number in np.unique(labels[part]):
            own = np.flatnonzero(labels[part] == number)
            others[own] = np.roll(own, 1)
        for layer, output in layers.items():
            x = output[part].reshape(n, -1).astype("float32")
            near, apart = (np.median(np.linalg.norm(x - y, axis=1)) for y in (x[others], np.roll(x, 1, axis=0)))
            rows.append(("another photo of its class", name, seed, layer, near / apart))
    return rows


def purity(values, labels):
    """Return for each column the share of the most common class among the images with its largest values."""
    best = np.argsort(-values, axis=0, kind="stable")[:BEST]
    return np.array([np.bincount(labels[column]).max() / BEST for column in best.T])


def purity_rows(name, own_seed, layers, labels):
    """Compare the units of two layers with directions drawn at random in the space of its standardized outputs."""
    rows, seed = [], own_seed or 0
    for layer in ("conv5", "fc7"):
        output = layers[layer]
        places = output.reshape(len(output), -1, output.shape[-1]).astype("float32")
        found = {name: purity(places.max(axis=1), labels)}
        if own_seed in (None, 0):
            spread = places.std(axis=(0, 1))
            directions = np.random.default_rng(0).normal(size=(len(spread), 128)) / np.maximum(spread, 1e-6)[:, None]
            parts = np.array_split(places - places.mean(axis=(0, 1)), 20)
            largest = np.concatenate([(part @ directions.astype("float32")).max(axis=1) for part in parts])
            found["random directions" if own_seed is None else "random directions, untrained"] = purity(largest, labels)
        rows += [
            (f"purity of {layer}", which, seed, unit, x) for which, all_ in found.items() for unit, x in enumerate(all_)
        ]
    return rows


def knocked_out_rows(network, layers, labels):
    """Take from units of fc7 what they say about an image, one by one and together, and say which class suffers.

    A unit is held at its mean over all images. A class suffers in accuracy, or in its lead: the score of the right
    class minus the best other one. Controls: as many random units, and a single direction in the space of fc7, in which
    all outputs get their mean: from the mean of the other images to that of the class, or a random one.
    """
    kernel, bias = (keras.ops.convert_to_numpy(one) for one in network.get_layer("fc8").get_weights())
    fc7, rng = layers["fc7"].astype("float32"), np.random.default_rng(0)
    best = np.argsort(-fc7, axis=0, kind="stable")[:BEST]
    class_of = np.array([np.bincount(labels[column]).argmax() for column in best.T])
    apart = fc7 - fc7.mean(axis=0)

    def suffers(units, direction=None):  # the accuracy and the lead of each class
        scores = fc7 @ kernel + bias - apart[:, units] @ kernel[units]
        if direction is not None:
            unit = direction / np.linalg.norm(direction)
            scores -= np.outer(apart @ unit, unit @ kernel)
        right = scores[np.arange(len(scores)), labels]
        others = np.where(np.eye(kernel.shape[1], dtype=bool)[labels], -np.inf, scores)
        each = np.stack([scores.argmax(axis=1) == labels, right - others.max(axis=1)]).astype("float64")
        return np.array([each[:, labels == number].mean(axis=1) for number in range(kernel.shape[1])]).T

    def lost_rows(which, seed, number, accuracy):
        found = {"class": accuracy[number], "others": np.delete(accuracy, number).mean()}
        return [(f"accuracy lost by the {whose}", which, seed, number, value) for whose, value in found.items()]

    whole, rows = suffers([]), []
    for unit in range(len(kernel)):
        accuracy, lead = whole - suffers([unit])
        found = {"class": class_of[unit], "class that falls": lead.argmax(), "accuracy lost": accuracy.mean()}
        rows += [(what, "one unit at its mean", 0, unit, value) for what, value in found.items()]
    for number in range(kernel.shape[1]):
        own = np.flatnonzero(class_of == number)
        held, as_many = "its units at their mean", "as many random units at their mean"
        draws = {held: [own], as_many: [rng.choice(len(kernel), len(own), False) for _ in range(20)]}
        for which, groups in draws.items():
            for seed, units in enumerate(groups):
                rows += lost_rows(which, seed, number, whole[0] - suffers(units)[0])
        toward = fc7[labels == number].mean(axis=0) - fc7[labels != number].mean(axis=0)
        directions = {
            "its direction taken out": [toward],
            "a random direction taken out": np.random.default_rng(1 + number).normal(size=(20, len(kernel))),
        }
        for which, group in directions.items():
            for seed, direction in enumerate(group):
                rows += lost_rows(which, seed, number, whole[0] - suffers([], direction.astype("float32"))[0])
    return rows


# --- maps of attribution: which pixels an answer comes from ---


class Attribution:
    """Maps for the score of a class, of a network (score: what fc8 puts out before softmax)."""

    def __init__(self, network):
        import tensorflow as tf

        names = [layer.name for layer in network.layers]
        self.tf, self.kernel, self.bias = tf, *network.get_layer("fc8").get_weights()
        self.until_conv5 = keras.Model(network.inputs[0], network.get_layer("relu5").output)
        self.after_conv5 = network.layers[names.index("relu5") + 1 : names.index("fc8")]
        self._gradient = tf.function(self._gradient_of_scores)

    def scores(self, images):
        return self._behind(self.until_conv5(images))

    def _behind(self, maps):
        for layer in self.after_conv5:
            maps = layer(maps)
        return maps @ self.kernel + self.bias

    def _gradient_of_scores(self, images, classes):
        with self.tf.GradientTape() as tape:
            tape.watch(images)
            chosen = self.tf.gather(self.scores(images), classes, axis=1, batch_dims=1)
        return tape.gradient(chosen, images)

    def input_gradient(self, images, classes):
        return self._gradient(self.tf.constant(images), self.tf.constant(classes)).numpy()

    def gradient(self, images, classes):
        return np.abs(self.input_gradient(images, classes)).max(axis=-1)

    def one_step(self, images, classes):
        return ((images - MEAN_COLOUR) * self.input_gradient(images, classes)).sum(axis=-1)

    def integrated(self, images, classes, steps=20, baseline=MEAN_COLOUR):
        way = images - baseline
        parts = [baseline + (k + 0.5) / steps * way for k in range(steps)]
        return (way * np.mean([self.input_gradient(part, classes) for part in parts], axis=0)).sum(axis=-1)

    def integrated_black(self, images, classes):
        return self.integrated(images, classes, baseline=np.zeros(3, "float32"))

    def grad_cam(self, images, classes):
        maps, gradient = self._at_conv5(images, classes)
        return _pixels((maps * gradient.mean(axis=(1, 2), keepdims=True)).sum(axis=-1))

    def _at_conv5(self, images, classes):
        maps = self.until_conv5(images)
        with self.tf.GradientTape() as tape:
            tape.watch(maps)
            chosen = self.tf.gather(self._behind(maps), classes, axis=1, batch_dims=1)
        return maps.numpy(), tape.gradient(chosen, maps).numpy()

    def occlusion(self, images, classes, side=8, stride=4):
        def score(some):
            return self.scores(some).numpy()[np.arange(len(some)), classes]

        whole, lost, covered = score(images), np.zeros(images.shape[:3]), np.zeros((32, 32))
        for top in range(0, 33 - side, stride):
            for left in range(0, 33 - side, stride):
                copies, square = images.copy(), np.s_[top : top + side, left : left + side]
                copies[:, *square] = MEAN_COLOUR
                lost[:, *square] += (whole - score(copies))[:, None, None]
                covered[square] += 1
        return lost / covered


def _pixels(places):
    """Set what is negative to 0, and draw each place over its pixels: 4 × 4 of them if there are 8 × 8 places."""
    pixels = 32 // places.shape[1]
    return np.maximum(places, 0).repeat(pixels, axis=1).repeat(pixels, axis=2)


METHODS = ("gradient", "integrated", "grad_cam", "occlusion", "one_step")
OF_GRADIENTS = ("gradient", "one_step", "integrated", "grad_cam")


def covers(images):
    """Return what covers a part of the images: grey, the images without any detail, or black."""
    from PIL import Image, ImageFilter

    dull = [Image.fromarray(image.astype("uint8")).filter(ImageFilter.GaussianBlur(6)) for image in images]
    return {"grey": MEAN_COLOUR, "blurred": np.stack(list(map(np.array, dull))), "black": 0}


def nearest_to(place):
    """Return a map that is the larger the nearer a square of 4 × 4 pixels lies to a place in the grid of 8 × 8."""
    rows, columns = (np.arange(8) - middle for middle in place)
    return -np.hypot(rows[:, None], columns).repeat(4, axis=0).repeat(4, axis=1)


def contrast(images):
    """Return a map without a network: how much the grey values within each square of 4 × 4 pixels vary."""
    spread = images.mean(axis=-1).reshape(-1, 8, 4, 8, 4).std(axis=(2, 4))
    return spread.repeat(4, axis=1).repeat(4, axis=2)


def deletion_rows(network, images):
    """Cover the fifth of an image that a map marks most, 13 of 64 squares, and count the answers that change.

    Controls: the same map of another photo, the squares nearest the centre, squares at random (scattered, or those
    nearest a random place), and two maps that need no network. A map is ahead of a control by the mean difference over
    the images, which has a standard error.
    """
    maps, images, rows = Attribution(network), images.astype("float32"), []
    classes = maps.scores(images).numpy().argmax(axis=1)
    marked = {name: getattr(maps, name)(images, classes) for name in (*METHODS, "integrated_black")}
    marked["difference from grey"] = np.abs(images - MEAN_COLOUR).sum(axis=-1)
    marked["contrast in the square"] = contrast(images)
    own = list(marked)
    marked |= {f"{name} of another photo": np.roll(values, 1, axis=0) for name, values in marked.items()}
    controls = {"centre": np.stack([nearest_to([3.5, 3.5])] * len(images))}
    controls["random"] = np.random.default_rng(0).random(images.shape[:3])
    places = np.random.default_rng(1).uniform(-0.5, 7.5, size=(len(images), 2))
    controls["random, in one blob"] = np.stack(list(map(nearest_to, places)))
    marked |= controls
    for cover, fill in covers(images).items():
        changed = {}
        for name, values in marked.items():
            squares = values.reshape(-1, 8, 4, 8, 4).sum(axis=(2, 4)).reshape(len(values), 64)
            order = np.argsort(np.argsort(-squares, axis=1, kind="stable"), axis=1)
            gone = (order < 13).reshape(-1, 8, 8).repeat(4, 1).repeat(4, 2)
            answers = maps.scores(np.where(gone[..., None], fill, images).astype("float32")).numpy().argmax(axis=1)
            changed[name] = (answers != classes).astype("float64")
            rows.append((f"answers changed, {cover}", "own", 0, name, changed[name].mean()))
        for name in own:
            for control in (f"{name} of another photo", "centre", "random"):
                ahead, which = changed[name] - changed[control], control.removeprefix(f"{name} of ")
                error = ahead.std(ddof=1) / len(ahead) ** 0.5
                rows.append((f"answers changed, {cover}", f"ahead of {which}", 0, name, ahead.mean()))
                rows.append((f"answers changed, {cover}, standard error", f"ahead of {which}", 0, name, error))
    return rows


def likeness_rows(images, unlabelled):
    """Compare the trained network's maps with those of another trained network, and of untrained ones.

    The untrained ones have the layers of either: those of the other network are what its maps must be compared with.
    What all maps of a network share, such as the centre, is taken out first. Mean and standard error over the images.
    """
    images, networks = images.astype("float32"), {"trained": models.alexnet_cifar10(weights="modern_half")}
    networks |= {"second trained": models.alexnet_cifar10(weights="cifar10")}
    networks |= {f"untrained {seed}": untrained(seed, unlabelled) for seed in SEEDS}
    networks |= {f"second untrained {seed}": second_untrained(seed, unlabelled) for seed in SEEDS}
    maps = {name: Attribution(network) for name, network in networks.items()}
    classes = maps["trained"].scores(images).numpy().argmax(axis=1)
    found = {
        (name, method): getattr(one, method)(images, classes) for name, one in maps.items() for method in OF_GRADIENTS
    }
    return likeness_of(found, np.abs(images - MEAN_COLOUR).sum(axis=-1))


def likeness_of(found, contrast):
    """Return the rows of `likeness_rows` from the maps {(network, method): maps}, and those of the photos' contrast."""
    rows = []
    for method in OF_GRADIENTS:
        own = own_ranks(np.abs(found["trained", method]))

        def like(*others, own=own):
            return np.mean([(own * own_ranks(np.abs(one))).sum(axis=1) for one in others], axis=0)

        alike_ = {
            "untrained networks": like(*(found[f"untrained {seed}", method] for seed in SEEDS)),
            "second trained network": like(found["second trained", method]),
            "untrained, second's layers": like(*(found[f"second untrained {seed}", method] for seed in SEEDS)),
            "photo without a network": like(contrast),
        }
        alike_["second ahead of untrained"] = alike_["second trained network"] - alike_["untrained, second's layers"]
        for of, values in alike_.items():
            rows.append(("likeness", method, 0, of, values.mean()))
            rows.append(("likeness, standard error", method, 0, of, values.std(ddof=1) / len(values) ** 0.5))
    return rows


def own_ranks(maps):
    """Rank the pixels of each map and subtract from each pixel's rank its mean over all maps, which they share.

    The rows have length 1, so the products of two rows add up to their correlation. A map without any mark is 0.
    """
    from scipy.stats import rankdata

    ranks = rankdata(maps.reshape(len(maps), -1), axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    marked = ranks.any(axis=1)
    ranks[marked] -= ranks[marked].mean(axis=0)
    return ranks / np.maximum(np.linalg.norm(ranks, axis=1, keepdims=True), 1e-9)


def fooled_rows(network, images, labels):
    """Change each value by a few levels: with the sign of the loss's gradient, another photo's, or a random sign."""
    import tensorflow as tf

    maps, images, rows = Attribution(network), images.astype("float32"), []

    def signs(changed):
        x = tf.constant(changed)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, maps.scores(x)))
        return np.sign(tape.gradient(loss, x).numpy())

    def count(changed):
        return (maps.scores(np.clip(changed, 0, 255)).numpy().argmax(axis=1) == labels).mean()

    found = {"gradient": signs(images)}
    found["another photo"] = np.roll(found["gradient"], 1, axis=0)
    found["random"] = np.random.default_rng(0).choice(np.float32([-1, 1]), images.shape)
    for levels in (0, 1, 2, 4, 8):
        for name, sign in found.items():
            rows.append(("accuracy with signs", name, 0, levels, count(images + levels * sign)))
    changed = images
    for _ in range(8):
        changed = np.clip(changed + signs(changed), 0, 255)
    rows.append(("accuracy with signs", "gradient, level by level", 0, 8, count(changed)))
    return rows


def dots(spaces, labels, class_names, n=500):
    """Return the first two principal components of some images in each space."""
    from sklearn.decomposition import PCA

    tables = []
    for name, vectors in spaces.items():
        flat = vectors.reshape(len(vectors), -1).astype("float32")
        places = PCA(2, svd_solver="randomized", random_state=0).fit(flat)
        x, y = (places.transform(flat[:n]) / np.sqrt(places.explained_variance_)).T
        share = places.explained_variance_ratio_.sum()
        named = [class_names[number] for number in labels[:n]]
        tables.append(pd.DataFrame({"space": name, "class": named, "x": x, "y": y, "share": share}))
    return pd.concat(tables)


if __name__ == "__main__":
    main()
