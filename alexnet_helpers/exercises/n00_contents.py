"""The exercise of notebook 00_contents."""

from alexnet_helpers.exercises.engine import exercise

exercise(
    "00.1",
    2.6,
    hints=[
        (3.4, "That goes up the slope: the loss would grow."),
        (-1, "That takes the whole slope: multiply it by the learning rate first."),
        (7, "That adds the whole slope: go against it, and multiply it by the learning rate first."),
        (0.4, "That is the length of the step: where does it lead from 3?"),
        (-0.4, "That is the step itself: where does it lead from 3?"),
        (2.9, "That takes the learning rate alone: multiply it by the slope."),
        (1.8, "Multiply the learning rate by the slope at 3, not by the weight and the slope."),
        (3, "The weight moves, since the slope is not 0."),
        (1.2, "That is the weight times the step: subtract instead."),
    ],
    remark="Against the slope, and by a tenth of it.",
)
