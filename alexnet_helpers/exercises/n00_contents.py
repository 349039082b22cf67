"""The exercises of notebook 00_contents."""

from alexnet_helpers.exercises.engine import exercise

exercise(
    "00.1",
    2.6,
    hints=[
        (3.4, "That goes up the slope: the loss would grow."),
        (-1, "That takes the whole slope: multiply it by the learning rate first."),
        (
            7,
            "That adds the whole slope: go against it,"
            " and multiply it by the learning rate first.",
        ),
        (0.4, "That is the length of the step: where does it lead from 3?"),
        (-0.4, "That is the step itself: where does it lead from 3?"),
        (2.9, "That takes the learning rate alone: multiply it by the slope."),
        (
            1.8,
            "Multiply the learning rate by the slope at 3,"
            " not by the weight and the slope.",
        ),
        (3, "The weight moves, since the slope is not 0."),
        (1.2, "That is the weight times the step: subtract instead."),
    ],
    remark="Against the slope, and by a tenth of it.",
)

exercise(
    "00.2",
    [1.5, 1.2],
    hints=[
        ([2.5, 0.8], "That goes up both slopes: the loss would grow."),
        ([1.5, 0.8], "The second slope is negative: against it means upwards."),
        ([2.5, 1.2], "The first slope is positive: against it means downwards."),
        (
            [1.5, 0.5],
            "That takes the first slope for both: each parameter has its own.",
        ),
        (
            [1.7, 0.7],
            "That takes the sum of the slopes for both: each parameter has its own.",
        ),
        ([1.5, 1.0], "A step changes both parameters at once."),
        ([2.0, 1.2], "A step changes both parameters at once."),
        (
            [-3, 3],
            "That takes the whole gradient: multiply it by the learning rate first.",
        ),
        ([-0.5, 0.2], "That is the step itself: where does it lead from (2, 1)?"),
        (
            [0.5, -0.2],
            "That is the gradient times the rate:"
            " where does a step against it lead from (2, 1)?",
        ),
        ([1.2, 1.5], "Those are the right numbers in the other order."),
    ],
    remark="Each parameter against its own slope.",
)
