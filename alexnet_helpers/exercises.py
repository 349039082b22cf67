"""Exercises that check themselves: `check(name, answer)` says right, or what is off, never the solution."""

import dis

import numpy as np

# What one exercise accepts: `right` is the expected value, or a function of the learner's function
# that returns None when all is well and else a hint; `hints` maps usual wrong values to a hint.
EXERCISES = {}


def exercise(name, right, hints=(), tolerance=None, remark=""):
    """Enter an exercise into the table.

    Parameters
    ----------
    name : such as "01.2".
    right : the expected number, text, tuple or array; or, when the answer is a function, a function
        that takes it and returns None when it is right and else a hint.
    hints : pairs (wrong answer, hint).
    tolerance : the largest difference that counts as equal, over the largest expected number; None
        for 1e-6, and for next to nothing where integers are expected.
    remark : a sentence printed after "right.".
    """
    EXERCISES[name] = (right, tuple(hints), tolerance, remark)


def check(name, answer):
    """Print whether an answer is right, and a hint when it is not.

    Parameters
    ----------
    name : the number of the exercise, such as "01.2".
    answer : a number, text, sequence, array or function; None or ... (alone, or in each place of a
        sequence) while there is none.

    Raises
    ------
    ValueError : for an exercise that does not exist.
    """
    if name not in EXERCISES:
        raise ValueError(f"name={name!r}: allowed are {', '.join(sorted(EXERCISES))}")
    right, hints, tolerance, remark = EXERCISES[name]
    verdict = _verdict(right, hints, tolerance, answer)
    print(f"Exercise {name}: {verdict} {remark if verdict == 'right.' else ''}".rstrip())


def _verdict(right, hints, tolerance, answer):
    blank = [part is None or part is ... for part in (answer if isinstance(answer, (list, tuple)) else [answer])]
    if blank and all(blank):
        return "no answer yet."
    if any(blank):
        return f"not yet. {sum(blank)} of the {len(blank)} parts of the answer have no value yet."
    if callable(right):
        return _function_verdict(right, answer)
    if _same(answer, right, tolerance):
        return "right."
    for wrong, hint in hints:
        if _same(answer, wrong, tolerance):
            return f"not yet. {hint}"
    return f"not yet. {_general_hint(answer, right, tolerance)}"


def _function_verdict(examine, answer):
    if not callable(answer):
        return "not yet. The answer is a function: pass its name, without calling it."
    try:
        hint = examine(answer)
    except NotAnswered:
        return "no answer yet." + " Your function gives None: is `return` missing?" * (not _has_no_body(answer))
    except Exception as error:  # whatever a learner's function raises is theirs to read
        first_line = str(error).strip().partition("\n")[0]
        return f"not yet. Your function raised {type(error).__name__}{first_line and ': ' + first_line}"
    return "right." if hint is None else f"not yet. {hint}"


def _has_no_body(function):
    """Tell whether a function holds nothing but `...`, `pass` or a docstring (or is no Python function)."""
    code = getattr(function, "__code__", None)
    nothing = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    return code is None or {instruction.opname for instruction in dis.get_instructions(code)} <= nothing


class NotAnswered(Exception):
    """Raised by `call` when the learner's function still returns nothing."""


def call(function, *arguments, **named):
    """Call a learner's function with copies of the arrays; one that returns None or ... counts as not answered."""
    value = function(*map(_copy, arguments), **{name: _copy(argument) for name, argument in named.items()})
    if value is None or value is ...:
        raise NotAnswered
    return value


def _copy(argument):
    return argument.copy() if isinstance(argument, (np.ndarray, list)) else argument


def _same(answer, expected, tolerance):
    if _texts(expected) is not None:
        return _texts(answer) == _texts(expected)
    # A boolean is no number here: True must not pass for 1.
    if _numbers(answer) is None or _is_boolean(answer) != _is_boolean(expected):
        return False
    off = _off(answer, expected, tolerance)
    return off is not None and not off.any()


def _texts(value):
    """Return a text or a sequence of texts as a list in lower case, or None if it is neither."""
    texts = value if isinstance(value, (list, tuple)) else [value]
    return [text.strip().lower() for text in texts] if all(isinstance(text, str) for text in texts) else None


def _numbers(value):
    """Return a number, sequence or array as an array of floats without sides of 1, or None if it is none."""
    try:
        if np.asarray(value).dtype.kind in "US":  # NumPy would read the text "55" as the number
            return None
        return np.squeeze(np.asarray(value, float))
    except (TypeError, ValueError, OverflowError):
        return None


def _is_boolean(value):
    return np.asarray(value).dtype == bool


def _off(answer, expected, tolerance):
    """Return which numbers differ too much, or None for another shape."""
    if tolerance is None:
        tolerance = 1e-12 if np.asarray(expected).dtype.kind in "iub" else 1e-6
    found, expected = _numbers(answer), _numbers(expected)
    if found.shape != expected.shape:
        return None
    largest = np.max(np.abs(expected), initial=1e-6)
    return ~(np.abs(found - expected) <= tolerance * largest)  # `not <=` holds for NaN as well


def _general_hint(answer, right, tolerance):
    if callable(answer):
        return "The answer is a value, yours a function: call it."
    if _texts(right) is not None:
        return "Another word is meant." if _texts(answer) is not None else "The answer is a text, in quotes."
    found, expected = _numbers(answer), _numbers(right)
    if _is_boolean(right) and expected.ndim == 0:
        return "The answer is True or False."
    if found is None or _is_boolean(answer) != _is_boolean(right):
        quotes = ", without quotes" if _texts(answer) is not None else ""
        return f"The answer is {'a number' if expected.ndim == 0 else f'{expected.size} numbers'}{quotes}."
    off = _off(answer, right, tolerance)
    if off is None and expected.ndim == 0:
        return f"The answer is one number, yours {found.size}."
    if off is None:
        return f"The answer has the shape {expected.shape}, yours {found.shape}."
    if np.isnan(found).any():
        return "Your answer holds a NaN (not a number)."
    if expected.ndim > 0:
        return f"{off.sum()} of the {expected.size} numbers are off."
    if expected != np.round(expected) and abs(found - expected) < 0.01 * abs(expected):
        return "Close: give more digits."
    return "Your number is too large." if found > expected else "Your number is too small."


# 00 contents

exercise("00.1", 2012, hints=[(2011, "That was the year before."), (2010, "That was the first contest.")])


# 01 output_size_formula


def _chain_of_sizes(function):
    def side(size, layers, pad=2, one=1, last=0):
        for kernel, stride, padding in layers:
            size = (size + pad * padding - kernel + last * (stride - 1)) // stride + one
        return size

    alexnet = [(11, 4, 0), (3, 2, 0), (5, 1, 2), (3, 2, 0), (3, 1, 1), (3, 1, 1), (3, 1, 1), (3, 2, 0)]
    # In the first case each usual slip gives another number.
    for size, layers in ((30, [(7, 2, 4)]), (227, alexnet), (224, [(7, 2, 3), (3, 2, 1)])):
        found, case = call(function, size, layers), f"For the size {size} and the layers {layers}"
        if np.ndim(found) > 0:
            return "Your function returns several values: the size after the last layer is asked for."
        if float(found) != int(found):
            return f"{case} yours is {found}: a number of windows is whole, so round down with // in each layer."
        if found == side(size, layers):
            continue
        for hint, slip in (
            ("forgets the padding", {"pad": 0}),
            ("adds the padding on one side only", {"pad": 1}),
            ("forgets the + 1", {"one": 0}),
            ("rounds up", {"last": 1}),
        ):
            if found == side(size, layers, **slip):
                return f"{case} yours is {found}, as of a formula that {hint}."
        if len(layers) > 1 and found == side(size, layers[:1]):
            return f"{case} yours is {found}: that is the size after the first layer."
        if len(layers) > 1 and found == side(size, layers[-1:]):
            return f"{case} yours is {found}: each layer's input is the output of the layer before it."
        return f"{case} yours is {found}, which is too {'large' if found > side(size, layers) else 'small'}."
    return None if call(function, 9, []) == 9 else "Without any layer the size stays what it is."


exercise(
    "01.1",
    112,
    hints=[
        (109, "That forgets the padding: 3 zeros on the left and 3 on the right."),
        (110, "That forgets the padding, and rounds up."),
        (113, "That rounds up: half a step fits no window."),
        (111, "One short: count the window at the start, and the padding on both sides."),
        (111.5, "That forgets the + 1 and the rounding."),
        (112.5, "A number of windows is whole: round down."),
        (224, "That would be the size with a stride of 1, nearly: the windows step by 2."),
    ],
    remark="One layer halves the side of the image.",
)
exercise(
    "01.2",
    6,
    hints=[
        (12, "That is how much a row grows in all: the padding is counted for each side."),
        (6.5, "Half of the kernel would be padding for its middle pixel as well, which stays on the image."),
        (7, "One too many: the middle pixel of the first window lies on the image's first pixel."),
        (0, "Without padding the size shrinks by 12."),
        (13, "That would make the output larger than the input."),
    ],
    remark="(kernel - 1) / 2, for each odd kernel at stride 1.",
)
exercise(
    "01.3",
    4,
    hints=[
        (3.8, "76 / 20 forgets the + 1: one of the 20 windows takes no step."),
        (4.2, "84 / 20 is the ratio of the sizes: the windows share out what the first one leaves."),
        (2, "A stride of 2 gives 39 windows."),
        (3, "A stride of 3 gives 26 windows."),
        (5, "A stride of 5 gives 16 windows."),
    ],
)
exercise("01.4", _chain_of_sizes)
exercise(
    "01.5",
    67,
    hints=[
        (195, "That forgets the padding of conv2 to conv5: their windows may lie partly on zeros."),
        (66, "With 66 pixels pool3 is left without a window."),
        (68, "68 pixels are enough, but not the fewest."),
        (227, "227 is AlexNet's own input: a smaller image does."),
        (32, "That is the product of the strides: the windows have a size as well."),
    ],
    remark="On the 32 pixels of a CIFAR-10 image this network has no output at all.",
)


# 08 softmax_and_loss


def _loss_from_scores(function):
    z, labels = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]), np.array([0, 2])
    each = np.log(np.exp(z).sum(axis=1)) - z[[0, 1], labels]
    value = np.asarray(call(function, z, labels), float)
    if value.shape == (2,):
        return "Your function returns one loss for each row: their mean is asked for."
    if value.shape != ():
        return "The answer of your function is one number."
    if np.isclose(value, each.sum()):
        return "That is the sum over the rows: the mean is asked for."
    if np.isclose(value, -each.mean()):
        return "The sign is the other way round: a loss is positive."
    if not np.isclose(value, each.mean()):
        return "For the scores [[1, 2, 0.5], [0, -1, 3]] and the labels [0, 2] your loss is off."
    with np.errstate(all="ignore"):
        large = float(call(function, 1000 * z, labels))
    if not np.isclose(large, 500):
        return "Scores in the thousands overflow: subtract each row's largest score first."
    return None


exercise(
    "08.1",
    [0.2, 0.3, 0.5],
    hints=[
        (
            np.log([2, 3, 5]) / np.log(30),
            "Those are the scores divided by their sum: first take the exponential of each.",
        ),
        ([2, 3, 5], "Those are the powers: they still have to be divided by their sum."),
    ],
    tolerance=1e-3,
)
exercise(
    "08.2",
    np.log(200),
    hints=[
        (np.log10(200), "That is the logarithm to base 10: the loss uses the natural logarithm."),
        (np.log2(200), "That is the logarithm to base 2: the loss uses the natural logarithm."),
        (0.005, "That is the probability of each class: the loss is minus its logarithm."),
        (-np.log(200), "A loss is positive."),
    ],
    tolerance=2e-4,
)
exercise(
    "08.3",
    [0.7, 0.1, -0.85, 0.05],
    hints=[
        (
            [-0.7, -0.1, 0.85, -0.05],
            "The sign is the other way round: that is the step downhill, the gradient points uphill.",
        ),
        ([0.7, -0.9, 0.15, 0.05], "Class number 2 is the third one, since we count from 0."),
    ],
)
exercise("08.4", _loss_from_scores)


# 07 dropout


def _paper_dropout(function):
    x = np.linspace(0.5, 4, 2000)
    trained = np.asarray(call(function, x, 0.25, True, np.random.default_rng(0)), float)
    if trained.shape != x.shape:
        return "While training, the result has the shape of x."
    kept = trained != 0
    if np.allclose(trained[kept], x[kept] / 0.75) and not kept.all():
        return "Dividing while training is Keras' way; in the paper's, kept values stay as they are."
    if not np.allclose(trained[kept], x[kept]):
        return "While training, each value is either kept as it is or 0."
    if abs(kept.mean() - 0.25) < 0.05:
        return "At rate 0.25 a quarter is dropped; yours keeps a quarter."
    if abs(kept.mean() - 0.75) > 0.05:
        return "At rate 0.25 a quarter of the values is dropped."
    tested = np.asarray(call(function, x, 0.25, False, np.random.default_rng(0)), float)
    if np.allclose(tested, x):
        return "At test time nothing is rescaled yet: the next layer would get more than it is used to."
    return (
        None if np.allclose(tested, 0.75 * x) else "At test time every value is multiplied by the same number: which?"
    )


exercise("07.1", 700, hints=[(300, "That many are dropped: the rate is the part that goes.")])
exercise(
    "07.2",
    2.0,
    hints=[
        (1.28, "That is the paper's way at test time; Keras divides while training."),
        (1.6, "Keras rescales what is kept while training."),
        (8.0, "You divided by the rate: divide by the probability that a unit is kept."),
    ],
)
exercise(
    "07.3",
    1024,
    hints=[
        (20, "Each unit doubles the number, it does not add two."),
        (100, "Each unit has two states, on and off."),
        (1023, "The network without any hidden unit counts as well."),
    ],
)
exercise("07.4", _paper_dropout)


# Notebook 11: cifar10


def _normalized(normalize_images):
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype(np.uint8)
    mean, std = np.array([125.0, 120.0, 110.0]), np.array([60.0, 50.0, 70.0])
    found = np.asarray(call(normalize_images, images, mean, std))
    if found.shape != images.shape:
        return f"Images of shape {images.shape} come back in the shape {found.shape}."
    if found.dtype.kind != "f":
        return f"The result has the type {found.dtype}; it needs negative numbers and fractions."
    if not _same(found, (images - mean) / std, 1e-4):
        if _same(found, (images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2)), 1e-4):
            return "Use the mean and standard deviation that are given: those of these images may be other ones."
        if _same(found, (images - mean) / std**2, 1e-4):
            return "You divided by the variance."
        if _same(found, (images / 255 - mean) / std, 1e-4):
            return "The mean is one of values 0-255, so it is not for images divided by 255."
        return "Some values are off: subtract the channel's mean, then divide by its standard deviation."
    if found.dtype != np.float32:
        return f"The values are right, but {found.dtype} takes more memory than float32."
    return None


def _split_at_random(split):
    parts = call(split, 100, 20, 0)
    if not isinstance(parts, (tuple, list)) or len(parts) != 2:
        return "Return two arrays: the numbers to train on, and the numbers held out."
    kept, held_out = map(np.asarray, parts)
    if (len(kept), len(held_out)) == (20, 80):
        return "The numbers to train on come first, those held out second."
    if (len(kept), len(held_out)) != (80, 20):
        return f"Of 100 images with 20 held out you train on {len(kept)} and hold out {len(held_out)}."
    if np.intersect1d(kept, held_out).size:
        return "A number is in both parts: the network would be tested on what it was trained on."
    if not np.array_equal(np.sort(np.concatenate([kept, held_out])), np.arange(100)):
        return "The two parts together must hold each number from 0 to 99 once."
    if not np.array_equal(np.sort(held_out), np.sort(call(split, 100, 20, 0)[1])):
        return "The same seed must give the same split each time."
    if np.array_equal(np.sort(held_out), np.sort(call(split, 100, 20, 1)[1])):
        return "Another seed should give another split: let chance decide."
    return None


exercise(
    "11.1",
    737.28,
    [
        (184.32, "That is one byte a value, uint8."),
        (1474.56, "That is eight bytes a value, float64."),
        (614.4, "Those are the training images alone."),
        (703.125, "Those are mebibytes of 2**20 bytes; divide by 10**6."),
        (737_280_000, "That is the number of bytes; a megabyte is 10**6 of them."),
    ],
)
exercise(
    "11.2",
    (0.91, 0.01),
    [
        ((0.9, 0.01), "The row sums to 0.99: the right class gets its share of the 0.1 as well."),
        ((0.9, 0.1 / 9), "The 0.1 is spread over all ten classes, the right one included."),
        ((0.9, 0.1), "The 0.1 is spread over the classes; the row has to sum to 1."),
        ((0.01, 0.91), "The right class comes first in the pair."),
    ],
)
exercise(
    "11.3",
    (1, 0, 0, 0, -1, 31),
    [
        ((1, 0, 0, 0, -1, 32), "Row 0 would come from row 32, and the last row has the number 31."),
        ((1, 0, 0, 0, -1, 0), "Row 1 would come from row -1: where does row 0 of the output come from?"),
        ((-1, 0, 31, 0, 1, 0), "That mirrors left and right."),
        ((-1, 0, 31, 0, -1, 31), "That turns the image by 180 degrees; the columns are to stay."),
    ],
)
exercise("11.4", _normalized)
exercise("11.5", _split_at_random)


# Notebook 02: convolution


def _correlate_1d(correlate):
    signal, kernel = np.array([1.0, 3.0, 0.0, 2.0, 5.0, 4.0, 1.0]), np.array([2.0, 0.0, -1.0])
    for stride in (1, 2, 3):
        found = np.asarray(call(correlate, signal, kernel, stride), float)
        every = np.correlate(signal, kernel, mode="valid")
        if found.shape == every.shape and stride > 1:
            return f"With stride {stride} only one window in {stride} counts."
        if found.shape != every[::stride].shape:
            size = len(every[::stride])
            return f"7 values, kernel 3, stride {stride}: {size} windows; yours has the shape {found.shape}."
        if np.allclose(found, np.convolve(signal, kernel, mode="valid")[::stride]):
            return "That is a convolution: the kernel is turned round. Leave it as it is."
        if not np.allclose(found, every[::stride]):
            return "The shape is right, the values are off: sum the products of each window and the kernel."
    return None


exercise(
    "02.1",
    2,
    [
        (6, "You left out the pixel in the middle, which counts -4 times."),
        (-2, "The four neighbours count +1 each, the pixel in the middle -4 times."),
        (10, "The pixel in the middle is subtracted, 4 times."),
    ],
)
exercise(
    "02.2",
    614_656,
    [
        (614_400, "Those are the weights; each filter has a bias too."),
        (6_656, "Each filter has a 5 x 5 slice for every one of the 96 channels."),
        (6_400, "Each filter has a 5 x 5 slice for every one of the 96 channels, and a bias."),
        (614_496, "There is one bias for each filter, not one for each input channel."),
        (307_456, "That is the paper's version with two towers; here every filter sees all 96 channels."),
    ],
)
exercise(
    "02.3",
    447_897_600,
    [
        (4_665_600, "Each output sums over all 96 channels: 5 * 5 * 96 products."),
        (614_400, "Those are the weights: each one is used at 27 * 27 places."),
        (1_749_600, "That is one filter; there are 256."),
        (223_948_800, "That is the paper's version with two towers; here every filter sees all 96 channels."),
        (895_795_200, "A multiplication with its addition counts once here."),
    ],
)
_SHIFT = np.zeros((3, 3))
_SHIFT[1, 0] = 1
exercise(
    "02.4",
    _SHIFT,
    [
        (_SHIFT[:, ::-1], "That moves the image to the left: each output takes the pixel on its right."),
        (_SHIFT.T, "That moves the image down."),
        (_SHIFT.T[::-1], "That moves the image up."),
        (np.diag([0, 1, 0]), "That leaves the image where it is."),
    ],
)
exercise("02.5", _correlate_1d)


# 06 fully_connected


def _dense_relu(function):
    rng = np.random.default_rng(0)
    x, weights, bias = rng.normal(size=(4, 3)), rng.normal(size=(3, 3)), np.array([0.5, -0.5, 1.0])
    result = np.asarray(call(function, x, weights, bias), float)
    z = x @ weights.T + bias
    if result.shape == z.shape and np.allclose(result, np.maximum(x @ weights + bias, 0)):
        return "You used x @ W: here W has one row for each unit, so it must be transposed."
    if result.shape == z.shape and np.allclose(result, z):
        return "Those are the pre-activations: the ReLU is missing."
    if result.shape == z.shape and np.allclose(result, np.maximum(x @ weights.T, 0)):
        return "The bias is missing."
    if result.shape != z.shape or not np.allclose(result, np.maximum(z, 0)):
        return "For a batch of 4 images, 3 inputs and 3 units your activations are off."
    wide = call(function, x, np.ones((5, 3)), np.zeros(5))
    return None if np.shape(wide) == (4, 5) else f"Five units give 4×5 activations; yours are {np.shape(wide)}."


exercise(
    "06.1",
    [2.5, 0.0],
    hints=[
        ([2.5, -4.0], "Those are the pre-activations: now the ReLU."),
        ([2.0, 0.0], "You left out the biases."),
        ([2.0, -3.0], "You left out the biases and the ReLU."),
    ],
)
exercise(
    "06.2",
    7 * 7 * 512 * 4096 + 4096,
    hints=[
        (7 * 7 * 512 * 4096, "Those are the weights: the biases are missing."),
        (7 * 7 * 512 * 4096 + 7 * 7 * 512, "There is one bias for each unit, not for each input."),
        (7 * 7 * 512, "That is the length of the flattened vector."),
    ],
)
exercise(
    "06.3",
    (5 * 6) * 256 + 255,
    hints=[
        (
            255 * 36 + 30,
            "That is the order with the channels first; in Keras all channels of a position stand together.",
        ),
        ((5 * 6) * 256 + 256, "Counted from 0, not from 1."),
        (5 * 256 + 255, "Before row 5 come five rows of six positions each."),
    ],
)
exercise("06.4", _dense_relu)


# 10 build_alexnet


def _share_of_dense(share_of_dense):
    from alexnet_helpers import load_keras

    keras = load_keras()
    layers = keras.layers
    call(share_of_dense, keras.Sequential([keras.Input((2,)), layers.Dense(1)]))  # unanswered, it costs no time
    for units, filters in ((5, 4), (2, 7)):
        convolutions = [layers.Conv2D(filters, 3), layers.Flatten(), layers.Dropout(0.5)]
        model = keras.Sequential([keras.Input((6, 6, 2)), *convolutions, layers.Dense(units), layers.Dense(3)])
        found, expected = float(call(share_of_dense, model)), 1 - model.layers[0].count_params() / model.count_params()
        if abs(found - 100 * expected) < 1e-3:
            return "That is the share in per cent; a number from 0 to 1 is meant."
        if abs(found - 1 + expected) < 1e-6:
            return "That is the share of the other layers."
        if abs(found - expected) > 1e-6:
            return f"A model with {expected:.3f} of its parameters in two dense layers: yours says {found:.3f}."
    return None


def _one_tower(one_tower):
    from alexnet_helpers import geometry

    halves = (
        layer._replace(units=layer.units // 2) if layer.units and layer.name != "fc8" else layer
        for layer in geometry.ALEXNET
    )
    table = geometry.layer_table(halves)
    model = call(one_tower)
    learning = [layer for layer in model.layers if layer.count_params()]
    if model.input_shape != (None, 227, 227, 3) or len(learning) != 8:
        return "The model takes images of 227 x 227 x 3 and has five convolutions and three dense layers."
    rows = table[table["parameters"] > 0]
    for layer, (name, row) in zip(learning, rows.iterrows()):
        shape, count = layer.output.shape[1:], layer.count_params()
        if shape != row["output"]:
            return f"{name} gives {shape}. Half of AlexNet's has as many channels or units, and maps of the same size."
        if count != row["parameters"]:
            return f"{name} has the right shape, but {count:,} parameters: look at kernel, input and groups."
    return None


exercise(
    "10.1",
    58_322_314,
    [
        (58_322_304, "The ten units have a bias each."),
        (58_281_344, "That is the network without fc8; with 10 classes there still is one."),
        (56_909_194, "That is the network with two towers."),
    ],
)
exercise(
    "10.2",
    60_522_856,
    [
        (60_522_664, "The biases are not halved: the number of filters stays."),
        (61_935_976, "Start from the network with two towers."),
        (60_080_488, "Each filter of conv3 loses half of its inputs, not all of them."),
        (60_080_104, "Each filter of conv3 loses half of its inputs, not all of them."),
    ],
)
exercise(
    "10.3",
    720,
    [
        (879, "While it learns, the network keeps the gradient and the velocity of each weight as well."),
        (959, "The parameters are in the card's memory too."),
        (853, "The pooling layers have outputs as well."),
        (790, "3 GB are 3·10⁹ bytes here."),
        (240, "The outputs are kept once each."),
    ],
)
exercise("10.4", _share_of_dense)
exercise("10.5", _one_tower)


# 04 max_pooling


def _average_pool(function):
    x = np.random.default_rng(0).normal(size=(2, 8, 7, 3))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2]
    expected = windows.mean(axis=(-2, -1))
    result = np.asarray(call(function, x, 3, 2), float)
    if result.shape != expected.shape:
        return (
            f"For 2×8×7×3 values, size 3 and stride 2 the result has the shape {expected.shape}, yours {result.shape}."
        )
    if np.allclose(result, windows.max(axis=(-2, -1))):
        return "That is the maximum of each window."
    if np.allclose(result, windows.sum(axis=(-2, -1))):
        return "That is the sum of each window: divide by the number of its values."
    return (
        None
        if np.allclose(result, expected)
        else "The shape is right, the means are off: check where each window starts."
    )


exercise(
    "04.1",
    [[5, 8], [6, 3]],
    hints=[([[5, 8, 8], [4, 8, 8], [6, 3, 3]], "That is stride 1: the window moves by 2.")],
)
exercise(
    "04.2",
    56,
    hints=[
        (55, "That is the size without padding: one row of padding is added on each side."),
        (57, "The last position would overhang: round down."),
        (55.5, "You forgot to add 1, and the size is rounded down."),
        (56.5, "Rounded down, since there is no half window."),
    ],
)
exercise(
    "04.3",
    0,
    hints=[
        (3 * 3 * 256, "Those would be the weights of one 3×3 filter on 256 channels; pooling has no filter."),
        (3 * 3 * 256 * 256 + 256, "Those would be the weights of a convolutional layer; pooling only compares values."),
        (9, "The window is 3×3, but it only compares values."),
        (256, "There are 256 channels, but nothing is learned for them."),
    ],
)
exercise("04.4", _average_pool)


# Notebook 03: ReLU and local response normalization


def _leaky_relu(leaky_relu):
    z = np.array([[-4.0, -0.5, 0.0], [0.25, 3.0, -100.0]])
    for slope in (0.01, 0.5):
        found = np.asarray(call(leaky_relu, z, slope), float)
        if found.shape != z.shape:
            return f"The result keeps the shape {z.shape}; yours has {found.shape}."
        if np.allclose(found, np.maximum(z, 0)):
            return "That is the plain ReLU: negative values become slope * z, not 0."
        if not np.allclose(found[z > 0], z[z > 0]):
            return "Positive values stay as they are."
        if np.allclose(found[z < 0], slope):
            return "Negative values become slope times z, not the slope."
        if not np.allclose(found, np.where(z > 0, z, slope * z)):
            return "Negative values become slope times z: use the slope that is given."
    return None


def _count_dead(count):
    x = np.full((2, 3, 3, 5), -1.0)
    x[..., 0] = 1  # on everywhere
    x[1, 2, 2, 1] = 0.5  # on at a single place of the second image
    x[..., 3] = 0  # a ReLU of exactly 0 is 0
    found = np.asarray(call(count, x))
    if found.ndim:
        return f"The answer is one number; yours has the shape {found.shape}."
    hints = {
        4: "A channel with a single positive value in one of the images is not dead.",
        2: "A pre-activation of exactly 0 gives 0 as well.",
        1: "x holds pre-activations: apply the ReLU first, then count the channels that are 0 everywhere.",
        3 * 18 + 17: "Count channels, not values.",
    }
    return (
        None
        if found == 3
        else hints.get(int(found), f"For one example there are 3 such channels; yours counts {found}.")
    )


exercise(
    "03.1",
    0.25**10,
    [
        (0.25, "That is one layer; there are ten, and slopes multiply."),
        (2.5, "Slopes multiply, they do not add."),
        (0.5**10, "0.5 is the sigmoid's value at 0; its slope there is smaller."),
        (1, "A sigmoid's slope is at most 0.25."),
        (0.25**8, "That is eight layers; here there are ten."),
    ],
    tolerance=0.005,
)
exercise(
    "03.2",
    50 / 3.25**0.75,
    [
        (50 / 4.25**0.75, "The first 100 is three channels away: n = 5 reaches two to each side."),
        (50 / 2.25**0.75, "The value itself and its neighbours on both sides count: 0, 0, 50 and 100."),
        (50 / 3.0**0.75, "The value's own square belongs to the sum."),
        (50 / 3.25, "The bracket is raised to the power 0.75."),
        (50 / 1.25**0.75, "k = 2 is added before the power is taken."),
        (50 / 2.015**0.75, "The sum is over squares: 50 ** 2 + 100 ** 2."),
    ],
    tolerance=3e-3,
)
exercise(
    "03.3",
    5e-4,
    [
        (1e-4, "PyTorch divides what you give by the size."),
        (2e-5, "That is the wrong way round: PyTorch divides by the size, so you have to make up for it."),
        (2e-4, "PyTorch divides by the size, 5, and not by its half."),
    ],
)
exercise("03.4", _leaky_relu)
exercise("03.5", _count_dead)


# 05 stacked_convolutions


def _receptive_field(function):
    alexnet = [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1), (3, 2)]
    for layers, right in (([(3, 1)], 3), ([(3, 1), (3, 1)], 5), ([(11, 4), (3, 2)], 19), (alexnet, 195)):
        found = call(function, layers)
        if found != right and found == 1 + sum(kernel - 1 for kernel, _ in layers):
            return f"For {layers} you get {found}: after a stride, neighbouring units lie further apart than one pixel."
        if found != right:
            return f"For {layers} you get {found}, which is not right."
    return None


exercise(
    "05.1",
    3,
    hints=[(6, "That many rows in all: the padding is counted on each side."), (7, "That is the kernel itself.")],
)
exercise(
    "05.2",
    5 * 5 * 24 * 256 + 256,
    hints=[
        (5 * 5 * 96 * 256 + 256, "That is without groups; with four, a filter sees a quarter of the channels."),
        (5 * 5 * 48 * 256 + 256, "That is with two groups."),
        (5 * 5 * 24 * 256, "The biases are missing."),
        (5 * 5 * 24 * 64 + 64, "That is one of the four groups: count all."),
    ],
)
exercise(
    "05.3",
    7,
    hints=[
        (9, "The windows overlap: each layer adds less than its kernel."),
        (5, "That is the field after two layers."),
    ],
)
exercise("05.4", _receptive_field)


# 09 backpropagation


def _tanh_gradient(function):
    x, dy = np.linspace(-2, 2, 9), np.linspace(1, 3, 9)
    right, found = dy * (1 - np.tanh(x) ** 2), np.asarray(call(function, dy, x), float)
    if found.shape != right.shape:
        return f"For {x.shape} values your result has the shape {found.shape}."
    if np.allclose(found, 1 - np.tanh(x) ** 2):
        return "That is the derivative of tanh: by the chain rule it is multiplied by dy."
    if np.allclose(found, dy * (1 - x**2)):
        return "That takes x for the output of tanh; here x is its input."
    return None if np.allclose(found, right) else "The values are off."


exercise(
    "09.1",
    [88, 132],
    hints=[
        ([132, 88], "Those are the right numbers in the other order."),
        ([44, 66], "The derivative of the square is 2 (y - t)."),
        ([4, 24], "Those belong to w1 = 0.5: compute h and y anew."),
    ],
)
exercise(
    "09.2",
    [0, 5, 0, 7, 0],
    hints=[
        ([5, 5, 5, 7, 7], "Only the winner of a window gets its error."),
        ([5, 5, 12, 7, 7], "Only the winner of a window gets its error."),
        ([0, 0, 0, 12, 0], "The 9.5 is not in the first window: that one holds 2, 9 and 4."),
    ],
)
exercise(
    "09.3",
    0.91,
    hints=[
        (1.0, "That is without momentum: 0.9 of the first step is carried on."),
        (0.71, "In the second step the gradient is -1."),
        (0.9, "That is after the first step."),
        (0.01, "That is v after two steps."),
    ],
    tolerance=1e-4,
)
exercise("09.4", _tanh_gradient)


# 12 train_on_cifar10


def _rmsprop(step):
    w, g, v = np.array([1.0, -2.0, 0.5]), np.array([0.3, -4.0, 0.02]), np.array([0.0, 1.0, 0.04])
    new_v = 0.9 * v + 0.1 * g**2
    right = w - 0.01 * g / np.sqrt(new_v)
    found = call(step, w, g, v, lr=0.01, rho=0.9)
    if not isinstance(found, tuple) or len(found) != 2:
        return "Return two things: the new weight and the new average v."
    found_w, found_v = np.asarray(found[0], float), np.asarray(found[1], float)
    if not np.allclose(found_v, new_v):
        return "The new v is off: rho times the old one, plus (1 - rho) times g squared."
    if np.allclose(found_w, 2 * w - right):
        return "The weight must move against the gradient."
    if np.allclose(found_w, w - 0.01 * g / np.sqrt(np.maximum(v, 1e-14)), atol=1e-3):
        return "Divide by the root of the new v, not of the old one."
    return None if np.allclose(found_w, right, rtol=1e-4) else "v is right, the new weight is not."


def _warm_up_and_cosine(learning_rate):
    cases = {0: 0, 50: 0.5, 100: 1, 550: 0.5, 775: (1 + np.cos(0.75 * np.pi)) / 2, 1000: 0}
    for step, share in cases.items():
        found = float(call(learning_rate, step, 0.002, 100, 1000))
        if not np.isclose(found, 0.002 * share, atol=1e-9):
            return f"With largest 0.002, warmup 100 and total 1000, step {step} should not have the rate {found:.5g}."
    return None


def _most_confused(function):
    # In one direction 0 -> 3 is largest, in both directions together 1 and 2 are.
    counts = np.array([[90, 1, 0, 9], [2, 80, 8, 0], [0, 7, 70, 3], [1, 2, 1, 96]])
    for table, right in ((counts, (1, 2)), (counts[::-1, ::-1], (1, 2)), (np.roll(counts, 1, (0, 1)), (2, 3))):
        found = tuple(np.ravel(call(function, table)).tolist())
        if len(found) == 2 and found[0] == found[1]:
            return "The diagonal holds the right answers: leave it out."
        if found == right[::-1]:
            return "The smaller class number comes first."
        if found != right:
            return f"For the counts {table.tolist()} your answer {found} is off: add both directions."
    return None


exercise(
    "12.1",
    0.0005,
    hints=[
        (-0.0005, "The weight moves against the gradient."),
        (0.00015, "That is a step of SGD."),
        (-0.00015, "That is SGD, and along the gradient."),
    ],
    tolerance=1e-3,
)
exercise(
    "12.2",
    391,
    hints=[
        (780, "The second epoch does not begin anew: count the batches that are left."),
        (782, "steps_per_epoch is rounded down."),
        (390, "That is the first epoch alone: count what is left for the second."),
    ],
)
exercise("12.3", _rmsprop)
exercise("12.4", _warm_up_and_cosine)
exercise("12.5", _most_confused)


# 13 look_inside


def _cover(cover):
    image = np.arange(6 * 7 * 3, dtype=np.uint8).reshape(6, 7, 3)
    for row, column, side, (top, bottom, left, right) in (
        (3, 3, 2, (2, 4, 2, 4)),
        (3, 4, 3, (2, 5, 3, 6)),
        (0, 6, 4, (0, 2, 4, 7)),
        (5, 0, 4, (3, 6, 0, 2)),
    ):
        given, expected = image.copy(), image.copy()
        expected[top:bottom, left:right] = 128
        found = cover(given, row, column, side)  # not by `call`, which would pass a copy
        if not np.array_equal(given, image):
            return "Your function changes the image that is passed: work on a copy of it."
        if found is None or found is ...:
            raise NotAnswered
        if np.shape(found) != image.shape:
            return f"The result has the shape {np.shape(found)}, the image {image.shape}."
        if not np.array_equal(found, expected):
            edge = "at the edge: a negative start counts from the end"
            place = "inside the image" if top > 0 and bottom < 6 else edge
            return f"A square of side {side} at row {row}, column {column} of a 6 x 7 image is off ({place})."
    return None


def _nearest(nearest):
    gallery = np.array([[9.0, 9.0, 0.0], [0.1, 0.0, 0.1], [-3.0, 0.5, -4.0], [0.0, 2.0, 0.0]])
    queries = np.array([[2.0, 0.3, 2.0], [-1.0, 0.0, -1.0], [0.0, 0.2, 0.0]])
    for query, right in zip(queries, (1, 2, 3)):
        found = int(call(nearest, query, gallery))
        if found == int((gallery @ query).argmax()) != right:
            return "That is the largest inner product: divide it by the lengths."
        if found == int(((gallery - query) ** 2).sum(axis=1).argmin()) != right:
            return "That is the smallest distance: the angle between the vectors is asked for."
        if found != right:
            return f"For the query {query.tolist()} the answer {found} is off."
    return None


def _grad_cam(function):
    rng = np.random.default_rng(0)
    maps, gradient = rng.random((3, 4, 5)), rng.normal(size=(3, 4, 5))
    weighted = (maps * gradient.mean(axis=(0, 1))).sum(axis=-1)
    found = np.asarray(call(function, maps, gradient), float)
    if found.shape != (3, 4):
        return f"For maps of shape (3, 4, 5) the result has the shape (3, 4), yours {found.shape}."
    if np.allclose(found, weighted):
        return "The last step is missing: what is negative becomes 0."
    if np.allclose(found, np.maximum((maps * gradient).sum(axis=-1), 0)):
        return "That multiplies place by place: average the gradient over the places first."
    if not np.allclose(found, np.maximum(weighted, 0)):
        return "The numbers are off: check each of the three steps."
    return None


exercise(
    "13.1",
    49,
    hints=[
        (36, "Count the start as well: from 0 to 24 in steps of 4."),
        (64, "The square stays inside the image: its corner cannot go further than 24."),
        (169, "That is with steps of 2."),
        (7, "The square moves down as well."),
    ],
)
exercise(
    "13.2",
    0.4,
    hints=[
        (0.6, "That is the share of grey."),
        (0.18, "That is the sum of squares without the mean: divide it by the whole."),
        (0.2, "Divide by the sum of the squares, 0.45."),
    ],
    tolerance=1e-3,
)
exercise("13.3", _cover)
exercise("13.4", _nearest)
exercise("13.5", _grad_cam)


# 14 what_mattered


def _between_seeds(function):
    rng = np.random.default_rng(0)
    for results in (np.array([[64.0, 65.0], [66.2, 66.6]]), rng.normal(size=(5, 2)), rng.normal(size=(4, 3))):
        right = np.sqrt(results.var(axis=1, ddof=1).mean())
        found = float(call(function, results))
        if np.isclose(found, right):
            continue
        if np.isclose(found, np.sqrt(results.var(axis=1).mean())):
            return "Divide by the number of seeds minus 1 (ddof=1)."
        if np.isclose(found, results.std(axis=1, ddof=1).mean()):
            return "Average the variances and take the root at the end; yours is the mean of the roots."
        if np.isclose(found, results.std(ddof=1)):
            return "That is the spread of all results: the recipes differ as well. Take the variance within each row."
        if np.isclose(found, right**2):
            return "That is the variance: take its root."
        return f"For the results {results.round(2).tolist()} your answer {found:.4g} is off."
    return None


exercise(
    "14.1",
    np.sqrt(0.29),
    hints=[
        (0.29, "That is the variance: take its root."),
        (np.sqrt(0.145), "Two runs: divide the sum of the squared distances from the mean by 2 - 1, not by 2."),
        ((np.sqrt(0.5) + np.sqrt(0.08)) / 2, "Average the variances, and take the root at the end."),
    ],
    tolerance=1e-2,
)
exercise("14.2", True)
exercise(
    "14.3",
    18_432,
    hints=[
        (36_864, "That is with one group: each filter sees all 64 channels."),
        (9_216, "Each group has 32 channels in and 32 filters; there are two groups."),
        (18_496, "Without the biases."),
    ],
)
exercise("14.4", _between_seeds)


# 15 scale_out


def _all_reduce(function):
    rng = np.random.default_rng(0)
    for examples in ([4, 4], [5, 3], [1, 2, 3]):
        gradients = rng.normal(size=(len(examples), 3, 2))
        right = np.average(gradients, axis=0, weights=examples)
        found = np.asarray(call(function, gradients, np.array(examples)))
        if found.shape != right.shape:
            return f"From gradients of the shape {gradients.shape} comes one of {right.shape}, not {found.shape}."
        if np.allclose(found, right):
            continue
        if np.allclose(found, gradients.mean(axis=0)):
            return f"That is the plain mean. With {examples} examples each gradient counts by its number of examples."
        if np.allclose(found, right * sum(examples)):
            return "Divide by the number of all examples."
        return f"For {examples} examples your answer is off."
    return None


exercise(
    "15.1", 0.8, hints=[(0.1, "The batch is eight times as large now."), (0.0125, "Times eight, not divided by it.")]
)
exercise(
    "15.2",
    150,
    hints=[
        (200, "Nearly: it is 2 (N - 1) / N times the size."),
        (75, "Twice: once to add up, once to hand out the sum."),
    ],
)
exercise(
    "15.3",
    12,
    hints=[
        (16, "That would be without sending."),
        (2.53, "Each of the 16 does as much in a step as the one does: 0.3 s of computing is not divided by 16."),
        (5.33, "0.1 s is the part spent on sending. What part of the 0.4 s is spent on computing?"),
        (4, "0.1 s is the part spent on sending. What part of the 0.4 s is spent on computing?"),
    ],
    tolerance=1e-2,
)
exercise("15.4", _all_reduce)
