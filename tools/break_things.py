"""Break the course in one place after another, and see whether the tests notice.

    python tools/break_things.py                 every break; about ten minutes on two cores
    python tools/break_things.py geometry conv2d those whose name or file holds one of the words
    python tools/break_things.py --list          their names, files and tests; runs nothing
    python tools/break_things.py --keep-going    goes on after a break that nobody notices

Each break changes one line in a copy of the course, never in this folder, and runs the tests
that should notice. First these tests have to pass unbroken. A break whose old text is not
found exactly once is out of date, which counts as an error: write it anew.
"""

import argparse
import collections
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ENOUGH = 0.95  # the share that has to be noticed
SECONDS = 900  # for the tests of one break
NOT_FOUND = (4, 5)  # pytest's exit status for tests that do not exist


class Break(NamedTuple):
    """One line to change, and what pytest should then fail in."""

    name: str
    file: str
    old: str
    new: str
    tests: str


def breaks_of(files, tests, *changes):
    """Return the breaks of a file, or of the one of several that has the text.

    A fourth part of a change chooses among the tests, as pytest's -k does.
    """
    files = [files] if isinstance(files, str) else files
    texts = {file: (ROOT / file).read_text("utf-8") for file in files}
    chosen = [f"{tests} -k {shlex.quote(names[0])}" if names else tests for _, _, _, *names in changes]
    places = [next((file for file in files if change[1] in texts[file]), files[0]) for change in changes]
    return [
        Break(*change[:1], file, *change[1:3], some) for change, file, some in zip(changes, places, chosen, strict=True)
    ]


PACKAGE = "alexnet_helpers"
TRAINING = [
    f"{PACKAGE}/{name}.py"
    for name in (
        *("training", "compilation", "recipes", "studies", "batches", "augmentation", "views"),
        *("checkpoints", "results", "weights"),
    )
]
MODELS = [f"{PACKAGE}/{name}.py" for name in ("models", "keras_layers", "variants", "weights")]
BREAKS = [
    *breaks_of(
        f"{PACKAGE}/geometry.py",
        "tests/test_geometry.py",
        ("same rounds down", "return -(-size // stride)", "return size // stride"),
        ("ceil rounds down", "else -(-room // stride)) + 1", "else room // stride) + 1"),
        ("padding on one side", "room = size + 2 * zeros - kernel", "room = size + zeros - kernel"),
        ("the field grows by the whole kernel", "- 1) * jump, input_size)", ") * jump, input_size)"),
        ("filters need not fit the groups", "if channels % groups or units % groups:", "if channels % groups:"),
        ("no biases", "return (side, side, units), weights + units,", "return (side, side, units), weights,"),
        ("work of one row", "side**2 * weights", "side * weights"),
        ("two layers of one name", "if name in checked:", "if name in ():"),
    ),
    *breaks_of(
        f"{PACKAGE}/explorer.py",
        "tests/test_explorer.py",
        ("the explorer reaches the notebook", '"allow-scripts"', '"allow-scripts allow-same-origin"', "frame"),
        ("the page ends at a quotation mark", "return html.escape(build.page())", "return build.page()", "frame"),
        ("the page is stored with the notebook", '"text/plain": INSTEAD', '"text/plain": frame', "frame"),
    ),
    *breaks_of(
        f"{PACKAGE}/numpy_layers.py",
        "tests/test_numpy_layers.py",
        (
            "the last of several largest gets the gradient",
            "(largest == place)",
            "(largest == places.shape[3] - 1 - place)",
        ),
        ("the gradient of relu at 0 is 1", "np.heaviside(x, 0)", "np.heaviside(x, 1)"),
        ("the loss clips at 1e-9", "np.maximum(of_true_class, 1e-7)", "np.maximum(of_true_class, 1e-9)"),
        ("the towers see each other", "parts = np.split(x, towers, axis=3)", "parts = np.split(x, 1, axis=3)"),
        ("rows may sum to 1.5", "np.abs(sums - 1).max() < 1e-3", "np.abs(sums - 1).max() < 0.5"),
        ("softmax overflows", "np.exp(z - z.max(axis=-1, keepdims=True))", "np.exp(z)"),
        ("dropout does not scale", "return x * mask / (1 - rate), mask", "return x * mask, mask"),
        ("the gradient is a sum", "return (probabilities - one_hot) / len(labels)", "return probabilities - one_hot"),
        ("half of the neighbours' share", "- 2 * alpha * beta * x *", "- alpha * beta * x *"),
        (
            "the kernel is flipped",
            "maps.append(np.tensordot(X, W, axes=3))",
            "maps.append(np.tensordot(X, W[::-1], axes=3))",
        ),
        ("the padding keeps its gradient", "return _crop(dx, padding), dweights", "return dx, dweights"),
        ("the bias gets a mean", "x.T @ dy, dy.sum(axis=0)", "x.T @ dy, dy.mean(axis=0)"),
        ("float64 widens", "return kept.astype(bool)", "return kept.astype(float)"),
    ),
    *breaks_of(
        f"{PACKAGE}/walk.py",
        "tests/test_walk.py",
        ("coloured edges are bars", "[gabor(angle, 10, np.pi / 2) for angle", "[gabor(angle, 10, 0) for angle"),
        ("filters see even grey", "wave -= wave.mean()", "wave -= 0"),
        ("Glorot instead of He", "np.sqrt(2 / np.prod(", "np.sqrt(1 / np.prod("),
        ("the photo from 0 to 1", "/ 127.5 - 1", "/ 255"),
        ("all layers from one seed", "[_SEED, LEARNED.index(name)]", "[_SEED, 1]"),
    ),
    *breaks_of(
        MODELS,
        "tests/test_models.py",
        (
            "fc8 has its own start",
            '{"kernel_initializer": initializer}',
            '{"kernel_initializer": initializer if name != "fc8" else "zeros"}',
            "every_layer_of_alexnet_starts",
        ),
        (
            "the start is ignored",
            '"kernel_initializer": check_initializer(initializer),',
            '"kernel_initializer": "glorot_uniform",',
            "every_layer_starts",
        ),
        (
            "dropout of 0.4",
            'layers.Dropout(0.5, name=f"dropout{name[-1]}")',
            'layers.Dropout(0.4, name=f"dropout{name[-1]}")',
            "layers_come or every_layer",
        ),
        ("float16 overflows", '"float32" if given in ("float16", "bfloat16") else given', "given", "does_not_overflow"),
        ("k is 1", "def __init__(self, size=5, k=2.0,", "def __init__(self, size=5, k=1.0,", "local_response_norm"),
        (
            "alpha is divided by the size",
            "ops.cast(self.alpha * self.neighbours,",
            "ops.cast(self.alpha / self.size * self.neighbours,",
            "local_response_norm",
        ),
        (
            "twice the penalty",
            "keras.regularizers.L2(0.00025)",
            "keras.regularizers.L2(0.0005)",
            "the_variant_of_the_paper",
        ),
        (
            "pixels are divided by the variance",
            "variance = [std**2 for std",
            "variance = [std**4 for std",
            "pixels_are_rescaled",
        ),
        ("ones in all biases", 'and name not in ("conv1", "conv3"):', 'and name not in ("conv1",):', "biases_of_1"),
        (
            "batch normalization keeps the biases",
            "layer(*arguments, use_bias=False,",
            "layer(*arguments, use_bias=True,",
            "modern_variant or any_variant",
        ),
        ("a changed file is read", "hexdigest() != sha256", "hexdigest() == ''", "changed_copy"),
        (
            "NaN comes out of a file",
            "            if not np.isfinite(array)",
            "            if np.isnan(array)",
            "not_finite",
        ),
        (
            "the towers are dropped",
            'if network["towers"] == 2 and name in',
            "if () and name in",
            "ingredient_is_changed",
        ),
        ("half a filter", "if _scaled(filters, width) % 2 and", "if False and", "says_what_is_wrong"),
        ("an idle dropout is accepted", 'if "dropout" in given and dropout', "if False", "says_what_is_wrong"),
    ),
    *breaks_of(
        [f"{PACKAGE}/{name}.py" for name in ("imagenet", "bvlc_alexnet", "onnx_weights")],
        "tests/test_imagenet.py",
        ("red stays first", "photos[..., ::-1].astype(np.float32)", "photos[..., :].astype(np.float32)", "as_by_hand"),
        ("the crop begins at the edge", "margin = (_RESIZED - size) // 2", "margin = 0", "as_by_hand"),
        ("the least probable first", "np.argsort(-probabilities", "np.argsort(probabilities", "most_probable"),
        ("alpha is not divided", '"alpha": 2e-5', '"alpha": 1e-4', "caffes_normalization"),
        (
            "another file counts as real",
            "if sha256 != onnx_weights.ONNX",
            "if False and onnx_weights.ONNX",
            "kept_file",
        ),
        ("any checksum is right", "if sha256 and found != sha256.lower():", "if False:", "damaged_cut"),
        ("attributes are not compared", "        if value != needed:", "        if False:", "another_network"),
        (
            "fc6 reads the maps by channel",
            ".transpose(2, 3, 1, 0).reshape(shape)",
            ".transpose(1, 2, 3, 0).reshape(shape)",
            "every_layer",
        ),
        ("a kept file of any size", "_MOST_BYTES = 130_000_000", "_MOST_BYTES = 10**15", "kept_file"),
        ("unasked downloads", "if file is None and download:", "if file is None:", "stand_in_is_the_same_network"),
        ("the stand-in counts as real", "is_real=False, source=", "is_real=True, source=", "stand_in"),
        ("pool3 rounds down", 'rounding="ceil") if', 'rounding="floor") if', "both_sizes"),
    ),
    *breaks_of(
        [f"{PACKAGE}/data/{name}.py" for name in "cifar10 folders downloads photos decoding".split()],
        "tests/test_data.py",
        ("photos lie on their side", '6: "ROTATE_270"', '6: "ROTATE_90"'),
        ("orientation is not read", "return int(photo.getexif().get(ORIENTATION, 1))", "return 1"),
        ("transparent is black", 'Image.new("RGBA", part.size, "white")', 'Image.new("RGBA", part.size, "black")'),
        ("other digits are tested", "% 7 == 6", "% 7 == 5"),
        ("planes and rows change places", ".transpose(0, 2, 3, 1)", ".transpose(0, 3, 2, 1)"),
        ("the speed is not one per second", "if received < self.slowest * seconds:", "if received < self.slowest:"),
        ("an endless body", "if received > self.most:", "if received > 10**15:"),
        ("no deadline for headers", "size = next(self._in_time(arrivals))", "size = arrivals.get()"),
        ("two downloads at once", "lock.acquire(timeout=0)", "pass"),
        ("the lock follows a link", "if file.is_symlink() or (file.exists()", "if (file.exists()"),
        (
            "a read-only checkout has no data",
            'return [DATA_FOLDER, pooch.os_cache("alexnet-course")]',
            "return [DATA_FOLDER]",
        ),
        ("large photos are read", "if pixels > most:", "if pixels > 10**15:"),
        ("files of any size", "if size != expected:", "if size < 0:"),
        ("labels above 9", ">= len(CLASS_NAMES):", "> 255:"),
        ("any member of the archive", "if not file.is_file() or file.is_symlink():", "if not file.is_file():"),
        ("the left square", "left, top = (width - side) // 2, (height", "left, top = 0, (height"),
        ("16 bits wrap", "np.clip((values - black) / ((white - black) / 255), 0, 255)", "(values - black)"),
        ("stand-ins are the same twice", "* 0.75**zoom", "* 1.0**zoom", "shown or stand_in"),
        (
            "images are never shown",
            '.get("ALEXNET_SHOW_IMAGES", "1") != "0"',
            '.get("ALEXNET_SHOW_IMAGES") == "2"',
            "shown",
        ),
        ("an address is a file that is missing", r'if re.match(r"\w+://", str(file)):', "if False:", "bad_places"),
    ),
    *breaks_of(
        TRAINING,
        "tests/test_training.py",
        (
            "momentum of 0.5",
            '"momentum": 0.9,',
            '"momentum": 0.5,',
            "the_optimizer_of_a_recipe",
        ),
        (
            "SGD does not decay",
            '"weight_decay": recipe.weight_decay or None,',
            '"weight_decay": None,',
            "only_kernels_decay",
        ),
        (
            "AdamW decays by 0.004",
            "decay = recipe.weight_decay",
            "decay = 0.004",
            "only_kernels_decay",
        ),
        ("biases decay as well", 'var_names=["bias", "gamma", "beta"]', 'var_names=["nothing"]', "only_kernels_decay"),
        ("no label smoothing", "label_smoothing=recipe.label_smoothing", "label_smoothing=0.0", "smoothed_labels"),
        ("averaging of 0.99", '"ema_momentum": recipe.averaging', '"ema_momentum": 0.99', "average_of_a_weight"),
        ("no warm-up", "warmup_steps=warmup,", "warmup_steps=0,", "the_rates_are_those"),
        (
            "refining at the main rate",
            "main_steps, recipe.refine_rate, refine_steps",
            "main_steps, recipe.learning_rate, refine_steps",
            "the_rates_are_those",
        ),
        (
            "validated images are trained on",
            "held_out, rest = np.sort(order[:n]), np.sort(order[n:])",
            "held_out, rest = np.sort(order[:n]), np.sort(order)",
            "validation_images_are_held_out",
        ),
        (
            "the split ignores the seed",
            "order = np.random.default_rng(seed).permutation",
            "order = np.random.default_rng(0).permutation",
            "validation_images_are_held_out",
        ),
        (
            "one view twice",
            "views = (images, images[:, :, ::-1])",
            "views = (images, images)",
            "columns_of_a_run or ten_views",
        ),
        (
            "ten views stay in the middle",
            "[(pixels, pixels), *corners]",
            "[(pixels, pixels)] * 5",
            "columns_of_a_run or ten_views",
        ),
        (
            "views of another size",
            'checks.pixels("images", images, shape=needed[1:])',
            'checks.pixels("images", images)',
            "views_of_another_shape",
        ),
        (
            "flips upside down",
            "images[:, :, ::-1], images)\n\n\ndef erase",
            "images[:, ::-1], images)\n\n\ndef erase",
            "flip_mirrors",
        ),
        ("erases a pixel more", "(row < top + side)", "(row <= top + side)", "erase_covers"),
        ("erases while refining", "self.epoch >= self.refine_from", "False", "nothing_is_erased"),
        (
            "every epoch in one order",
            "default_rng([self.seed, self.epoch])\n",
            "default_rng([self.seed])\n",
            "batches_depend or shuffles",
        ),
        ("dropout goes on as it was", "layer.seed_generator.state.assign(state.astype(np.uint32))", "pass", "survive"),
        ("other images go on", '"checksum": checksum}', '"checksum": 0}', "other_images"),
        (
            "the views change columns",
            '"test_accuracy_two_views": predict_two_views(model, x_test)',
            '"test_accuracy_two_views": one_view',
            "columns_of_a_run",
        ),
        (
            "the confusion is transposed",
            '"truth": np.repeat(names, n),',
            '"truth": np.tile(names, n),',
            "columns_of_a_run",
        ),
        (
            "the backward pass is free",
            "3 * models.multiply_adds",
            "1 * models.multiply_adds",
            "multiply_adds_are_three",
        ),
        ("a name is read as missing", "keep_default_na=False", "keep_default_na=True", "names_that_look"),
        ("two writers, one file", "secrets.token_hex(4)", "'0'", "several_writers"),
        ("decay with plain Adam", 'if decay and optimizer == "adam":', "if False:", "bad_input"),
        (
            "warm-up of a constant rate",
            'if warmup and recipe.schedule != "cosine":',
            "if False:",
            "bad_input",
        ),
        (
            "labels are not looked at",
            'checks.integers("labels", labels, 0, last, length=n)',
            "np.asarray(labels)",
            "labels_of_another",
        ),
        (
            "float images train",
            'self.images = checks.pixels("images", images)',
            "self.images = images",
            "images_of_another_kind",
        ),
    ),
    *breaks_of(
        [f"{PACKAGE}/scale/{name}.py" for name in "devices processes image_folder".split()],
        "tests/test_scale.py",
        (
            "the last image is lost",
            "n * (self.process + 1) // self.processes",
            "n // self.processes * (self.process + 1)",
            "parts_of_all",
        ),
        ("a job fails in silence", "if any(codes):", "if min(codes) < 0:", "one_process_fails"),
        ("devices that TensorFlow cannot use", 'if devices not in (1, "all"):', "if False:", "only_jax"),
        ("the others are left running", "process.kill()", "pass", "one_process_fails"),
        ("whichever failed is named", "code, number = min(failures)", "code, number = failures[0]", "two_that_fail"),
        ("no share is checked", "if devices % processes:", "if False:", "share_that_cannot_be"),
        ("classes may differ", "set(files[part]) - set(files[other])", "set()", "another_layout"),
        ("hidden files are images", 'if not entry.name.startswith(".")', "if entry.name", "hidden"),
        (
            "labels take turns",
            "np.repeat(np.arange(len(counts)), counts)",
            "np.resize(np.arange(len(counts)), sum(counts))",
            "loads_as_cifar10",
        ),
    ),
    *breaks_of(
        [f"{PACKAGE}/plotting/{name}.py" for name in "style sliders images curves architecture arguments".split()],
        "tests/test_plotting.py",
        ("the text is lost", '"text/plain": alt}', '"text/plain": ""}'),
        ("pictures are transparent", '"facecolor": "white"}', '"facecolor": "none"}'),
        ("shown figures stay open", "    finally:\n        plt.close(figure)", "    finally:\n        pass"),
        ("sliders redraw while dragged", "continuous_update = False", "continuous_update = True"),
        ("a slider starts anywhere", "if not (low <= start <= high and", "if not (True and"),
        ("figures that draw began stay open", "plt.close(number)", "pass"),
        (
            "negative weights are bright",
            "pictures = 0.5 + weights / largest / 2",
            "pictures = 0.5 - weights / largest / 2",
        ),
        ("any number of images", "if _count(images) > most:", "if False:"),
        ("one channel for another", 'checks.integer("channel", channel, 0, channels - 1)]', "0]"),
        ("validation is not dashed", '(f"val_{metric}", "--")', '(f"val_{metric}", "-")'),
        ("every run stands in the legend", "if label not in labels:", "if True:"),
        ("the first recipe at the bottom", "ylim=(len(names) - 0.5, -0.5)", "ylim=(-0.5, len(names) - 0.5)"),
        ("towers do not cross", '"vermillion" if crosses else "grey"', '"grey"'),
        ("channels are not to scale", "max(2, per_channel * block.channels)", "max(40, per_channel * block.channels)"),
        ("a face on a bar", 'for block in blocks if block.kind != "dense"]', "for block in blocks]"),
        ("too few titles", "if len(found) != count or not usable:", "if not usable:"),
        ("gaps are drawn", "if not with_gaps and", "if False and"),
        ("colours of any range", "if not (low >= 0 and high <= highest):", "if False:"),
    ),
    *breaks_of(
        f"{PACKAGE}/plotting/comparisons.py",
        "tests/test_comparison_figures.py",
        ("changes from the worst on", "key=lambda item: -item", "key=lambda item: item"),
        ("thin bars leave the images out", "xerr=both", "xerr=seeds"),
        ("the thin bar ends elsewhere in words", "{mean + both:+.1f}", "{mean + seeds:+.1f}"),
        ("a pool's stride for its window", "else layer.pool_size", "else layer.strides"),
        ("normalization layers are drawn", 'kinds = ("conv", "pool")', 'kinds = ("conv", "pool", "norm")'),
    ),
    *breaks_of(
        f"{PACKAGE}/plotting/inside.py",
        "tests/test_inside_figures.py",
        ("animals are open", "is_open = COLORS[shade], name in _VEHICLES", "is_open = COLORS[shade], True"),
        ("probes as shares", "lines = 100 * _by_layer", "lines = _by_layer"),
        ("the first seed for the mean", "lines.mean(axis=1)]", "lines[0]]"),
        ("the untrained network's classes", 'if network == "untrained" and short', "if False and short"),
        ("noise for the shift", '("moved", "-")', '("noise", "-")'),
        ("a unit's own scale", "for numbers in counts.values())", "for numbers in [*counts.values()][:1])"),
        ("a map without marks is divided by 0", "0.99) or 1", "0.99)"),
        ("the strongest pixel alone in full colour", "np.abs(values), 0.99", "np.abs(values), 1.0"),
    ),
    *breaks_of(
        f"{PACKAGE}/plotting/contents.py",
        "tests/test_contents_figures.py",
        ("the five smallest", "np.argsort(-percent", "np.argsort(percent"),
        ("the best guess is below", "    right.invert_yaxis()\n", ""),
        ("guesses have other names", "[CLASS_NAMES[number] for number in best]", "CLASS_NAMES[:5]"),
        ("pools do not halve", "kernel=3, stride=2", "kernel=3, stride=1"),
        ("pools have AlexNet's names", 'text.set_text("pool")', 'text.set_text("pool2")'),
        ("the notebooks of a layer in one place", "axes.text(x_of[name], bottom", "axes.text(400, bottom"),
    ),
    *breaks_of(
        f"{PACKAGE}/plotting/gradients.py",
        "tests/test_gradient_figures.py",
        (
            "a derivative at another arrow",
            "zip(arrows, derivatives, strict=True)",
            "zip(arrows, derivatives[::-1], strict=True)",
        ),
        ("a window at another winner", "10.55 + column, 4.5 - row", "10.55 + row, 4.5 - column"),
        ("an arrow from another window", "start = (7.65 + j,", "start = (7.65 + i,"),
        ("the stride's 0 is called padding", "inside = edge <= j <", "inside = edge < j <"),
        ("a kernel at another place", "_draw_boxes(axes, [kernel], place, top", "_draw_boxes(axes, [kernel], 0, top"),
        ("products of another place", "padded[place : place + width]", "padded[:width]"),
        ("the curve has its valley elsewhere", "curve.plot(w, (w - 1) ** 2", "curve.plot(w, (w + 1) ** 2"),
        ("a and b change places", "plane.plot(*path.T,", "plane.plot(*path.T[::-1],"),
        ("a norm's quotient upside down", 'f"{top / bottom:.0f}"', 'f"{bottom / top:.0f}"'),
        ("epochs counted from 0", "np.arange(1, len(values) + 1)", "np.arange(len(values))"),
    ),
    *breaks_of(
        f"{PACKAGE}/optimizers.py",
        "tests/test_optimizers.py",
        ("no step further along", "step = gradient + momentum * velocity", "step = velocity"),
        ("the kernel is scaled to another size", "scaled = variable * (", "scaled = variable * (1.0 +"),
        ("one rate for all", "rate * self.plain_rate * step", "rate * step"),
        ("another polynomial", "a, b, c = 3.4445, -4.7750, 2.0315", "a, b, c = 3.4445, -4.7750, 1.0315"),
    ),
    *breaks_of(
        MODELS,
        "tests/test_today.py",
        (
            "whitening with one sign",
            "np.concatenate([filters, -filters], axis=1)",
            "np.concatenate([filters, filters], axis=1)",
        ),
        ("conv1 learns", "self.kernel.trainable = False", "self.kernel.trainable = True"),
        ("fc8 starts large", "RandomNormal(stddev=0.01)", "RandomNormal(stddev=1.0)"),
    ),
    *breaks_of(
        TRAINING,
        "tests/test_today.py",
        ("flips do not alternate", "^ (self.epoch % 2 == 1)", "^ False"),
        ("the line falls too fast", "0.0, power=1.0", "0.0, power=2.0"),
        ("Nesterov is forgotten", '"nesterov": recipe.nesterov,', '"nesterov": False,'),
        ("every batch counts a half", "number / (number + 1)", "0.5"),
        ("the stem is not whitened", 'isinstance(model.get_layer("conv1"), models.WhitenedConv2D)', "False"),
        ("the border is black", 'mode="reflect"', 'mode="constant"'),
        ("all images are only some", "        if recipe.all_images:\n", "        if False:\n"),
    ),
    *breaks_of(
        f"{PACKAGE}/schedules.py",
        "tests/test_training.py",
        ("refining begins at once", "(step - self.main_steps) / self", "step / self", "the_rates_are_those"),
        ("refining falls in a line", "(1 + keras.ops.cos(math.pi * done)) / 2", "(1 - done)", "the_rates_are_those"),
        (
            "nothing but refining",
            "step < self.main_steps, main",
            "step < self.main_steps, refined",
            "the_rates_are_those",
        ),
    ),
    *breaks_of(
        f"{PACKAGE}/results.py",
        "tests/test_training.py",
        ("a recipe called NA is lost", "keep_default_na=False", "keep_default_na=True", "look_like_nothing"),
    ),
    *breaks_of(
        f"{PACKAGE}/recipes.py",
        "tests/test_today.py",
        ("nesterov without effect", 'if recipe.nesterov and recipe.optimizer != "sgd":', "if False:", "nesterov"),
    ),
    *breaks_of(
        f"{PACKAGE}/studies.py",
        "tests/test_training.py",
        (
            "a study shows one epoch again",
            "            batches.start_epoch(epoch)",
            "            batches.start_epoch(0)",
            "study",
        ),
        ("a study takes all images", "part[: study.images]", "part[:]", "study"),
        ("a study fixes no layer", "model.get_layer(layer).trainable = False", "pass", "study_keeps_layers_fixed"),
        ("a study draws the same batches", "order = (seed + ", "order = (seed + 0 * ", "study_draws_other_batches"),
        (
            "watching classes",
            "std(axis=0).mean()\n        silent",
            "std(axis=1).mean()\n        silent",
            "watched",
        ),
        ("a study repeats what is done", "if len(rows) != chosen.steps // chosen.every:", "if True:", "study"),
    ),
    *breaks_of(
        f"{PACKAGE}/weights.py",
        "tests/test_training.py",
        ("stored kernels are not rounded", '"float16" if array.ndim > 1 else "float32"', '"float32"', "weights"),
        (
            "infinite weights are stored",
            "isfinite(array).all():\n        needed",
            "isnan(array).all():\n        needed",
            "weights",
        ),
        ("any network is stored", 'if model.name != f"alexnet_cifar10_{recipe.variant}":', "if False:", "weights"),
    ),
    *breaks_of(
        f"{PACKAGE}/__main__.py",
        "tests/test_training.py",
        (
            "weights of an unfinished run",
            "if options.weights and len(curves) < recipe.epochs:",
            "if False:",
            "weights or command",
        ),
        ("a study takes a seed", "if options.name in STUDIES and (others :=", "if False and (others :=", "command"),
    ),
    *breaks_of(
        f"{PACKAGE}/__main__.py",
        "tests/test_scale.py",
        ("processes train to the end", '("seed", "epochs", "checkpoints"', '("seed", "checkpoints"'),
    ),
    *breaks_of(
        f"{PACKAGE}/exercises/engine.py",
        "tests/test_exercises.py",
        ("wrong answers get the remark", '.remark if verdict == "right." else ""', ".remark"),
        ("what is refused is right", "hint = str(refused)", "hint = None"),
        ("hints beside a function", "if callable(right) and hints:", "if False:"),
    ),
    *breaks_of(
        f"{PACKAGE}/exercises/values.py",
        "tests/test_exercises.py",
        ("a thousandth is right", 'in "iub" else 1e-6', 'in "iub" else 1e-3'),
        (
            "NaN is right",
            "return ~(np.abs(found - expected) <= tolerance * largest)",
            "return np.abs(found - expected) > tolerance * largest",
        ),
        ("True is 1", "or (found.dtype == bool) != (expected.dtype == bool):", "or False:"),
        ("half an answer is one", "if blank and blank == len(parts):", "if blank:"),
    ),
    *breaks_of(
        f"{PACKAGE}/exercises/functions.py",
        "tests/test_exercises.py",
        ("functions may be a thousandth off", 'in "iu" else 1e-5', 'in "iu" else 1e-3'),
        (
            "only the first case counts",
            "    return None\n\n\ndef _has_no_body",
            "        return None\n\n\ndef _has_no_body",
        ),
        ("the type does not matter", "if wrong_type := _wrong_type(found, expected):", "if wrong_type := None:"),
        (
            "the learner's arrays change",
            "given, given_by_name = _copies(arguments),",
            "given, given_by_name = arguments,",
        ),
    ),
    *breaks_of(
        f"{PACKAGE}/__init__.py",
        "tests/test_house.py",
        ("the reason is swallowed", "shutil.copyfileobj(held_back, stderr)", "pass"),
        ("last words are lost", "os.write(2, begin + words)", "pass"),
        ("channels first", 'set_image_data_format("channels_last")', "image_data_format()"),
        ("another precision", 'set_floatx("float32")', "floatx()"),
    ),
    *breaks_of(
        f"{PACKAGE}/checks.py",
        "tests/test_checks.py",
        ("True is an integer", "if not is_bool and not (_is_array", "if not (_is_array"),
        ("NaN is a number", "math.isfinite(result)\n", "True\n"),
        (
            "1 is True",
            "    if not isinstance(value, (bool, np.bool_)):\n        refuse",
            "    if not isinstance(value, (bool, np.bool_, int)):\n        refuse",
        ),
        ("unknown names pass", "isinstance(one, str) and one in allowed for", "isinstance(one, str) for"),
        (
            "masks are ignored",
            "    if isinstance(value, np.ma.MaskedArray):\n        got",
            "    if False:\n        got",
        ),
        (
            "labels N x 1",
            "is_list = result.ndim == 1 and length in (None, result.size)",
            "is_list = length in (None, result.size)",
        ),
        ("pixels of any type", 'if not fits or dtype != "uint8":', "if not fits:"),
        ("limits are not looked at", "(lowest is None or result >= lowest)", "True"),
        ("names lead out", r"""'<>:"/\\|?*'""", r"""'<>:"|?*'"""),
    ),
    *breaks_of(
        "tools/notebooks.py",
        "tests/test_notebooks.py -k 'colab or setup or slide or crash or stored or neighbours'",
        (
            "no GPU in Colab",
            'ON_GPU = ("10", "11", "12", "13", "14", "15", "16")',
            'ON_GPU = ("11", "12", "13", "14", "15", "16")',
        ),
        ("the next lesson is the last", "names[position + 1])} →](", "names[-1])} →]("),
        ("slide types are lost", 'for name in ("slideshow", "tags") if', 'for name in ("tags",) if'),
        (
            "Colab fetches another version",
            'REPOSITORY, VERSION = "", "v{__version__}"',
            'REPOSITORY, VERSION = "", "main"',
        ),
    ),
    *breaks_of(
        "tools/classroom.py",
        "tests/test_classroom.py",
        ("a folder is written over", "or any(path.iterdir())", "or False"),
    ),
    *breaks_of(
        "tools/grading/handins.py",
        "tests/test_grading.py",
        ("deleted cells stay away", "if name not in done:\n            places", "if False:\n            places"),
        ("a graded cell stands before its answer", "if place < answer:", "if False:"),
        ("names decide before numbers", "if number and one.id == number]", "if False]"),
    ),
    *breaks_of(
        "tools/grading/judge.py",
        "tests/test_grading.py",
        ("an argument that was changed is not seen", "_put_back(given, codec.unpack(now))", "codec.unpack(now)"),
    ),
]


def found(one, root=ROOT):
    """Return how often the old text of a break is in its file."""
    return (root / one.file).read_text("utf-8").count(one.old)


def chosen(words):
    """Return the breaks that the words on the command line name; all without words."""
    named = [one for one in BREAKS if not words or any(word in f"{one.name} {one.file}" for word in words)]
    if not named:
        raise SystemExit(f"no break has {' or '.join(words)} in its name or file: see --list")
    return named


def copy_of_the_course(folder):
    """Copy what Git knows or would add, so that no result of an earlier run is in the way."""
    command = ["git", "-C", str(ROOT), "ls-files", "-coz", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    # Some tests look at what Git knows.
    for arguments in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True)


def run(tests, folder):
    """Return pytest's exit status (None: it took too long), and the end of what it said."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", *shlex.split(tests)]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)}
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None, f"no end after {SECONDS} s"
    return done.returncode, "\n".join(done.stdout.strip().splitlines()[-3:])


def try_break(one, folder):
    """Apply a break in the copy, run its tests, mend the copy; return the verdict."""
    path = folder / one.file
    whole = path.read_text("utf-8")
    path.write_text(whole.replace(one.old, one.new), "utf-8")
    try:
        status, said = run(one.tests, folder)
    finally:
        path.write_text(whole, "utf-8")
    if status in NOT_FOUND:
        return f"ERROR: these tests do not exist: {one.tests}\n{said}"
    return "NOT NOTICED" if status == 0 else "noticed"


def faults_before(breaks, folder):
    """Return what is wrong before anything is broken: texts that moved, tests that fail."""
    faults = [f"{one.name}: its old text is {found(one)} times in {one.file}" for one in breaks if found(one) != 1]
    for tests in dict.fromkeys(one.tests for one in breaks):
        status, said = run(tests, folder)
        if status != 0:
            faults.append(f"{tests} does not pass unbroken:\n{said}")
    return faults


def main(arguments=None):
    """Do what the command line asks for; return whether something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only breaks with one of these in their name or file")
    parser.add_argument("--list", action="store_true", help="list them, and run nothing")
    parser.add_argument("--keep-going", action="store_true", help="go on after one that is not noticed")
    options = parser.parse_args(arguments)
    breaks = chosen(options.words)
    if options.list:
        for one in breaks:
            print(f"{one.name:38} {one.file:34} {one.tests}{'' if found(one) == 1 else '  OUT OF DATE'}")
        return 0
    with tempfile.TemporaryDirectory(prefix="broken-") as name:
        folder = Path(name)
        copy_of_the_course(folder)
        faults = faults_before(breaks, folder)
        print("\n".join(faults), flush=True)
        if faults and not options.keep_going:
            return 1
        return report(breaks, folder, options.keep_going) or bool(faults)


def report(breaks, folder, keep_going):
    """Try the breaks, print a line for each and the share; return whether too few are noticed."""
    verdicts = collections.Counter()
    for one in sorted((one for one in breaks if found(one) == 1), key=lambda one: one.tests):
        started = time.monotonic()
        verdict = try_break(one, folder)
        verdicts[verdict.split(":")[0]] += 1
        print(f"{verdict:12} {time.monotonic() - started:5.0f} s  {one.file}: {one.name}", flush=True)
        if verdict != "noticed" and not keep_going:
            break
    noticed, tried = verdicts["noticed"], sum(verdicts.values())
    print(f"{noticed} of {tried} breaks were noticed ({noticed / max(tried, 1):.1%}); {len(breaks)} are listed")
    return noticed < ENOUGH * len(breaks)


if __name__ == "__main__":
    sys.exit(main())
