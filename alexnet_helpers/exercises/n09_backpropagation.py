"""The exercises of notebook 09_backpropagation."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise


def _tanh_gradient(dy, x):
    return 4 * dy / (np.exp(x) + np.exp(-x)) ** 2


exercise(
    "09.1",
    [88, 132],
    hints=[
        ([132, 88], "Those are the right numbers in the other order."),
        ([44, 66], "The derivative of the square is 2 (y - t)."),
        ([4, 24], "Those belong to w1 = 0.5: compute h and y anew."),
        ([88, 66], "dL/dw2 is right; in dL/dw1 the factor x is missing."),
        ([88, 44], "dL/dw2 is right; in dL/dw1 the factor w2 is missing."),
        ([96, 144], "The target t is missing: the error is y - t."),
        ([-88, -132], "The sign is the other way round: y lies above the target."),
        ([66, 132], "dL/dw1 is right; dL/dw2 is dL/dy times h, not times w2."),
    ],
)
exercise(
    "09.2",
    [0, 5, 0, 7, 0],
    hints=[
        ([5, 5, 5, 7, 7], "Only the winner of a window gets its error."),
        ([5, 5, 12, 7, 7], "Only the winner of a window gets its error."),
        (
            [5 / 3, 5 / 3, 4, 7 / 3, 7 / 3],
            "That shares each error out, as average pooling does.",
        ),
        (
            [0, 0, 0, 12, 0],
            "The 9.5 is not in the first window: that one holds 2, 9 and 4.",
        ),
        ([0, 7, 0, 5, 0], "The errors are exchanged: the first window gets the 5."),
        ([0, 9.0, 0, 9.5, 0], "Those are the winners: which errors do they receive?"),
        (
            [0, 45, 0, 66.5, 0],
            "The errors arrive as they are, not multiplied by the inputs.",
        ),
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
        (
            0.81,
            "The second gradient is missing: v is 0.9 of the first step, and the new gradient.",
        ),
        (1.09, "The weight moves against the gradient."),
        (
            0.991,
            "Here v is a sum of steps, not an average: the gradient counts in full.",
        ),
    ],
)
exercise(
    "09.4",
    _tanh_gradient,
    cases=[
        (np.linspace(1, 3, 9), np.linspace(-2, 2, 9)),
        (np.array([[3, -1], [0, 2], [1, 1]]), np.array([[1, 0], [2, -1], [-2, 3]])),
        (
            np.linspace(-1, 2, 24).reshape(2, 3, 4),
            np.linspace(3, -3, 24).reshape(2, 3, 4),
        ),
    ],
    wrong=[
        (
            lambda dy, x: 1 - np.tanh(x) ** 2,
            "That is the derivative of tanh: by the chain rule it is multiplied by dy.",
        ),
        (
            lambda dy, x: dy * (1 - x**2),
            "That takes x for the output of tanh; here x is its input.",
        ),
        (lambda dy, x: dy * (1 - np.tanh(x)), "The tanh is squared."),
        (
            lambda dy, x: dy * np.tanh(x),
            "That multiplies by tanh itself: its derivative is asked for.",
        ),
        (
            lambda dy, x: x * (1 - np.tanh(dy) ** 2),
            "The arguments are exchanged: dy comes first, then x.",
        ),
        (
            lambda dy, x: dy * (1 - np.tanh(x**2)),
            "The tanh is squared, not its argument.",
        ),
        (lambda dy, x: dy * np.tanh(x) ** 2, "The square is subtracted from 1."),
    ],
)
