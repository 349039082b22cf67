"""Measure what notebook 14 draws, on more images and draws than a notebook can wait for.

    python tools/look_inside.py

Writes data/results/look_inside.csv (one number a row) and data/results/look_inside-dots.csv (the points
of three scatter plots). The network is "modern_half", which has never seen the validation images; all images
are of those. Needs CIFAR-10, or measures the digits. Takes a quarter of an hour or so on two CPU cores.
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

keras = load_keras()
LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")  # each after its ReLU
SEEDS = range(3)
BEST = 20  # images of a unit whose classes are counted
MEAN_COLOUR = np.float32([125, 123, 114])  # of CIFAR-10
FILES = ("look_inside", "look_inside-dots")


def main():
    """Measure everything, and write both tables."""
    begin = time.monotonic()
    dataset = data.load_cifar10()
    _, (images, labels) = split_validation(dataset.x_train, dataset.y_train)
    print(f"{len(images):,} validation images of {dataset.source}", flush=True)
    networks = {("trained", None): models.alexnet_cifar10(weights="modern_half")}
    networks |= {("untrained", seed): untrained(seed) for seed in SEEDS}
    rows = [("probe", "pixels", seed, "pixels", value) for seed, value in probes(averaged(images, 16), labels)]
    rows += [("probe", "pixels", seed, "quarters", value) for seed, value in probes(averaged(images, 2), labels)]
    for (name, own_seed), network in networks.items():
        layers = outputs_of(network, images)
        rows += probe_rows(name, own_seed, layers, labels)
        rows += moved_rows(name, own_seed, network, images, layers)
        rows += purity_rows(name, own_seed, layers, labels)
        if own_seed is None:
            rows += knocked_out_rows(network, layers, labels)
            rows += deletion_rows(network, images[:100]) + randomized_rows(images[:40])
            rows += fooled_rows(network, images[:500], labels[:500])
        if own_seed in (None, 0):
            networks[name, own_seed] = layers["fc7"]
        print(name, own_seed, f"{time.monotonic() - begin:.0f} s", flush=True)
    spaces = {"pixels": images, "untrained fc7": networks["untrained", 0], "trained fc7": networks["trained", None]}
    numbers = pd.DataFrame(rows, columns=["measure", "network", "seed", "of", "value"])
    for table, name in zip((numbers, dots(spaces, labels, dataset.class_names)), FILES, strict=True):
        table = table.assign(source=dataset.source).round(4)
        results.write_table(ROOT / "data" / "results" / f"{name}.csv", table)
        print(f"data/results/{name}.csv: {len(table)} rows")


def untrained(seed):
    """Return the same network as it was before it learned, from other random weights for each seed."""
    keras.utils.set_random_seed(seed)
    return models.alexnet_cifar10("modern", width=0.5, kernel_initializer="he_normal", centred_input=True)


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

    It fits the ten classes by least squares on three fifths (standardized, with a penalty on large weights)
    and chooses the penalty on another fifth.
    """
    from scipy.linalg import solve

    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(rows))
        learn, choose, meet = np.split(order, [len(order) * 3 // 5, len(order) * 4 // 5])
        x = (rows - rows[learn].mean(axis=0)) / np.maximum(rows[learn].std(axis=0), 1e-6)
        targets = np.eye(labels.max() + 1, dtype="float32")[labels[learn]] - 0.1
        products, answers = x[learn].T @ x[learn], x[learn].T @ targets
        found = []
        for penalty in (30.0, 300.0, 3000.0, 30000.0):
            weights = solve(products + penalty * np.eye(len(products), dtype="float32"), answers, assume_a="pos")
            found.append([((x[part] @ weights).argmax(axis=1) == labels[part]).mean() for part in (choose, meet)])
        yield seed, max(found)[1]


def probe_rows(name, own_seed, layers, labels):
    """Probe each layer: of a map the averages over its four quarters, so that no probe gets more than 768 numbers."""
    seeds = SEEDS if own_seed is None else (own_seed,)
    quarters = {layer: averaged(output, 2) for layer, output in layers.items()}
    return [("probe", name, seed, layer, x) for layer in layers for seed, x in probes(quarters[layer], labels, seeds)]


def blurred(images):
    """Return images without detail of a pixel or two."""
    from PIL import Image, ImageFilter

    return np.stack([np.array(Image.fromarray(image).filter(ImageFilter.GaussianBlur(1))) for image in images])


CHANGES = {
    "moved by a pixel": lambda images: np.concatenate([images[:, :, :1], images[:, :, :-1]], axis=2),
    "mirrored": lambda images: images[:, :, ::-1],
    "blurred": blurred,
}


def moved_rows(name, own_seed, network, images, layers):
    """Say for 500 images how far a change moves each layer, as a multiple of the distance of two images."""
    rows, n = [], len(images) // 10
    for change, function in CHANGES.items():
        for seed in SEEDS if own_seed is None else (own_seed,):
            part = slice(seed * n, seed * n + n)
            changed = outputs_of(network, function(images[part]))
            for layer, output in layers.items():
                before, after = (x.reshape(n, -1).astype("float32") for x in (output[part], changed[layer]))
                apart = np.median(np.linalg.norm(before - np.roll(before, 1, axis=0), axis=1))
                rows.append((change, name, seed, layer, np.median(np.linalg.norm(after - before, axis=1)) / apart))
                if change == "mirrored" and output.ndim == 4:  # does a map only have its mirror image?
                    after = changed[layer][:, :, ::-1].reshape(n, -1).astype("float32")
                    back = np.median(np.linalg.norm(after - before, axis=1)) / apart
                    rows.append(("mirrored, maps mirrored back", name, seed, layer, back))
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
    """Switch units of fc7 off, one by one and together, and say which class loses how much accuracy."""
    kernel, bias = (keras.ops.convert_to_numpy(one) for one in network.get_layer("fc8").get_weights())
    fc7, rng = layers["fc7"].astype("float32"), np.random.default_rng(0)
    best = np.argsort(-fc7, axis=0, kind="stable")[:BEST]
    class_of = np.array([np.bincount(labels[column]).argmax() for column in best.T])

    def scores_without(units):
        return fc7 @ kernel + bias - fc7[:, units] @ kernel[units]

    def by_class(values):
        return np.array([values[labels == number].mean() for number in range(kernel.shape[1])])

    def margins(scores):  # by how much the right class is ahead of the best of the others
        right = scores[np.arange(len(scores)), labels]
        others = np.where(np.eye(kernel.shape[1], dtype=bool)[labels], -np.inf, scores)
        return by_class(right - others.max(axis=1))

    whole, margin = by_class((scores_without([]).argmax(axis=1) == labels) * 1.0), margins(scores_without([]))
    rows = [("accuracy", "trained", 0, number, value) for number, value in enumerate(whole)]
    for unit in range(len(kernel)):
        scores = scores_without([unit])
        lost = whole - by_class((scores.argmax(axis=1) == labels) * 1.0)
        hardest = (margin - margins(scores)).argmax()
        for what, value in {"class": class_of[unit], "class that falls": hardest, "largest fall": lost.max()}.items():
            rows.append((what, "one unit off", 0, unit, value))
        rows.append(("accuracy lost", "one unit off", 0, unit, lost.mean()))
    for number in range(kernel.shape[1]):
        own = np.flatnonzero(class_of == number)
        draws = {
            "its units off": [own],
            "as many others off": [rng.choice(len(kernel), len(own), False) for _ in range(20)],
        }
        for which, groups in draws.items():
            for seed, units in enumerate(groups):
                lost = whole - by_class((scores_without(units).argmax(axis=1) == labels) * 1.0)
                rows.append(("lost by the class", which, seed, number, lost[number]))
                rows.append(("lost by the others", which, seed, number, np.delete(lost, number).mean()))
                rows.append(("most that another loses", which, seed, number, np.delete(lost, number).max()))
    return rows


# --- maps of attribution: which pixels an answer comes from ---


class Attribution:
    """Four maps for the score of a class, of a network (score: what fc8 puts out before softmax)."""

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

    def integrated(self, images, classes, steps=20):
        way = images - MEAN_COLOUR
        parts = [MEAN_COLOUR + (k + 0.5) / steps * way for k in range(steps)]
        return (way * np.mean([self.input_gradient(part, classes) for part in parts], axis=0)).sum(axis=-1)

    def grad_cam(self, images, classes):
        maps, gradient = self._at_conv5(images, classes)
        return _pixels((maps * gradient.mean(axis=(1, 2), keepdims=True)).sum(axis=-1))

    def place_by_place(self, images, classes):
        maps, gradient = self._at_conv5(images, classes)
        return _pixels((maps * gradient).sum(axis=-1))

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
    """Set what is negative to 0, and draw each of 8 × 8 places over its 4 × 4 pixels."""
    return np.maximum(places, 0).repeat(4, axis=1).repeat(4, axis=2)


METHODS = ("gradient", "integrated", "grad_cam", "place_by_place", "occlusion")
SIGNED = ("integrated", "occlusion")  # the others have no value below 0


def deletion_rows(network, images):
    """Grey out the fifth of an image that a map marks most, 13 of 64 squares, and count the answers that stay."""
    maps, images, rows = Attribution(network), images.astype("float32"), []
    classes, rng, kept = maps.scores(images).numpy().argmax(axis=1), np.random.default_rng(0), {}
    edges = sum(np.abs(np.gradient(images.mean(axis=-1), axis=axis)) for axis in (1, 2))
    marked = {name: getattr(maps, name)(images, classes) for name in METHODS}
    marked |= {f"{name} of another photo": np.roll(values, 1, axis=0) for name, values in marked.items()}
    marked |= {"edges of the photo": edges, **{f"random {draw}": rng.random(edges.shape) for draw in SEEDS}}
    marked |= {f"random patch {draw}": patches(len(images), draw) for draw in SEEDS}
    for name, values in marked.items():
        squares = values.reshape(-1, 8, 4, 8, 4).sum(axis=(2, 4)).reshape(len(values), 64)
        gone = (np.argsort(np.argsort(-squares, axis=1), axis=1) < 13).reshape(-1, 8, 8).repeat(4, 1).repeat(4, 2)
        answers = maps.scores(np.where(gone[..., None], MEAN_COLOUR, images).astype("float32")).numpy().argmax(axis=1)
        kept[name] = (answers == classes) * 1.0
        rows.append(("same answer without the marked fifth", "trained", 0, name, kept[name].mean()))
    for name in METHODS:  # the same photos twice: the error of the difference, photo by photo
        error = (kept[f"{name} of another photo"] - kept[name]).std(ddof=1) / len(images) ** 0.5
        rows.append(("standard error of its lead over another photo", "trained", 0, name, error))
    return rows


def patches(n, seed):
    """Return n maps that mark one compact patch each: the pixels near a random place."""
    places = np.random.default_rng(seed).uniform(0, 32, (n, 2, 1, 1))
    down, right = np.mgrid[:32, :32]
    return 100.0 - np.hypot(down - places[:, 0], right - places[:, 1])


def randomized_rows(images):
    """Give the layers random weights, from fc8 down, and compare the maps with those of the trained network."""
    from scipy.stats import spearmanr

    def alike(some, others):
        ranks = [(a.ravel(), b.ravel()) for a, b in zip(some, others)]  # a map without any mark is like no other
        return np.median([spearmanr(a, b)[0] if np.ptp(a) and np.ptp(b) else 0 for a, b in ranks])

    network, images, rows = models.alexnet_cifar10(weights="modern_half"), images.astype("float32"), []
    maps, fresh = Attribution(network), untrained(0)
    classes = maps.scores(images).numpy().argmax(axis=1)
    whole = {name: getattr(maps, name)(images, classes) for name in METHODS}
    edges = sum(np.abs(np.gradient(images.mean(axis=-1), axis=axis)) for axis in (1, 2))

    def compare(others, of, seed=0):
        rows.extend(
            ("maps alike", name, seed, of, alike(np.abs(others[name]), np.abs(whole[name]))) for name in METHODS
        )
        rows.extend(("maps alike, signed", name, seed, of, alike(others[name], whole[name])) for name in SIGNED)

    compare(dict.fromkeys(METHODS, edges), "edges of the photo")
    compare({name: np.roll(values, 1, axis=0) for name, values in whole.items()}, "another photo")
    for layer in ("fc8", "fc7", "fc6", "conv5", "conv4", "conv3", "conv2", "conv1"):
        network.get_layer(layer).set_weights(fresh.get_layer(layer).get_weights())
        if layer not in ("fc7", "conv4", "conv2"):
            maps = Attribution(network)
            compare({name: getattr(maps, name)(images, classes) for name in METHODS}, f"random down to {layer}")
    for seed in SEEDS:  # batch normalization without anything learned, too
        maps = Attribution(untrained(seed))
        compare({name: getattr(maps, name)(images, classes) for name in METHODS}, "untrained network", seed)
    return rows


def fooled_rows(network, images, labels):
    """Change each value by a few levels, with the sign of the loss's gradient or a random sign."""
    import tensorflow as tf

    maps, images, rows = Attribution(network), images.astype("float32"), []
    x = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, maps.scores(x)))
    signs = {"gradient": np.sign(tape.gradient(loss, x).numpy())}
    signs["random"] = np.random.default_rng(0).choice(np.float32([-1, 1]), images.shape)
    for levels in (0, 1, 2, 4, 8):
        for name, sign in signs.items():
            answers = maps.scores(np.clip(images + levels * sign, 0, 255)).numpy().argmax(axis=1)
            rows.append(("accuracy with signs", name, 0, levels, (answers == labels).mean()))
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
