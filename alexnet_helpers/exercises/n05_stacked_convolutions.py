"""The exercises of notebook 05_stacked_convolutions."""

from alexnet_helpers import geometry
from alexnet_helpers.exercises.engine import exercise


def _receptive_field(layers):
    pixels = {0}  # which pixels of a row one unit sees, from the last layer back to the image
    for kernel, stride in reversed(layers):
        pixels = {pixel * stride + step for pixel in pixels for step in range(kernel)}
    return max(pixels) - min(pixels) + 1


def _field_by(step, field=1):
    """Return a function that goes through the layers by a (wrong) step from (field, jump) to the next."""

    def receptive_field(layers):
        result, jump = field, 1
        for kernel, stride in layers:
            result, jump = step(result, jump, kernel, stride)
        return result

    return receptive_field


exercise(
    "05.1",
    3,
    hints=[
        (6, "That many rows in all: the padding is counted on each side."),
        (7, "That is the kernel itself."),
        (3.5, "Half of the kernel would be padding for its middle pixel as well."),
        (4, "One too many: the output would be 2 larger than the input."),
        (2, "That is the padding for a 5×5 kernel."),
        (1, "That is the padding for a 3×3 kernel."),
        (0, "Without padding the size shrinks by 6."),
    ],
)
exercise(
    "05.2",
    5 * 5 * 24 * 256 + 256,
    hints=[
        (
            5 * 5 * 96 * 256 + 256,
            "That is without groups; with four, a filter sees a quarter of the channels.",
        ),
        (5 * 5 * 48 * 256 + 256, "That is with two groups."),
        (5 * 5 * 24 * 256, "The biases are missing."),
        (5 * 5 * 24 * 64 + 64, "That is one of the four groups: count all."),
        (5 * 5 * 24 * 256 + 64, "All 256 filters have a bias."),
        (
            5 * 5 * 24 * 256 + 96,
            "There is one bias for each filter, not for each input channel.",
        ),
        (
            4 * (5 * 5 * 24 * 256 + 256),
            "There are 256 filters in all, 64 in each group.",
        ),
    ],
)
exercise(
    "05.3",
    7,
    hints=[
        (9, "The windows overlap: each layer adds less than its kernel."),
        (5, "That is the field after two layers."),
        (3, "That is the field after one layer."),
        (6, "The one pixel from which the field grows counts, too."),
        (27, "With stride 1 each layer adds to the field, it does not multiply it."),
        (49, "That is the area in pixels: the side is asked for."),
    ],
)
exercise(
    "05.4",
    _receptive_field,
    # In the first case each usual slip gives another number.
    cases=[
        ([(11, 4), (3, 2)],),
        ([(3, 1)],),
        ([(3, 1), (3, 1)],),
        ([(layer.kernel, layer.stride) for layer in geometry.ALEXNET if layer.kernel],),
        ([(5, 3), (2, 2), (4, 1)],),
    ],
    wrong=[
        (
            _field_by(lambda field, jump, kernel, stride: (field + kernel - 1, jump)),
            "That leaves out the strides: after a stride, neighbouring units lie further apart than one pixel.",
        ),
        (
            _field_by(
                lambda field, jump, kernel, stride: (
                    field + (kernel - 1) * jump * stride,
                    jump * stride,
                )
            ),
            "A layer's own stride does not move the pixels of its window apart: update the jump after the field.",
        ),
        (
            _field_by(
                lambda field, jump, kernel, stride: (
                    field + (kernel - 1) * stride,
                    jump,
                )
            ),
            "A layer's step counts in units of its input: multiply the strides of all layers before it.",
        ),
        (
            _field_by(
                lambda field, jump, kernel, stride: (
                    field + kernel * jump,
                    jump * stride,
                )
            ),
            "A window of k units is k - 1 steps wide: the first unit is in the field already.",
        ),
        (
            _field_by(
                lambda field, jump, kernel, stride: (
                    field + (kernel - 1) * jump,
                    jump * stride,
                ),
                field=0,
            ),
            "One pixel is missing: start from a field of 1.",
        ),
        (
            _field_by(
                lambda field, jump, kernel, stride: (
                    (field - 1) * stride + kernel,
                    jump,
                )
            ),
            "That formula leads from the last layer back to the image: go through the layers in reverse.",
        ),
        (
            _field_by(lambda field, jump, kernel, stride: (field * stride + kernel, jump)),
            "n windows overlap: they cover (n - 1) * stride + kernel pixels, from the last layer back to the image.",
        ),
    ],
)
