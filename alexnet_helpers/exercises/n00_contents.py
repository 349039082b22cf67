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
        (2.96, "A tenth of 4 is not 0.04."),
        (3.04, "A tenth of 4 is not 0.04, and the step goes against the slope."),
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

exercise(
    "00.3",
    [864, 165888],
    hints=[
        (
            [9, 1728],
            "That is for one map: a filter has a window of weights for each map.",
        ),
        (
            [9, 165888],
            "The layer is right; a filter has a window of weights for each map.",
        ),
        ([864, 1728], "The filter is right: the layer has 192 of them."),
        ([864, 864], "The filter is right: the layer has 192 of them."),
        ([864, 82944], "The filter is right: the layer has 192 of them, not 96."),
        (
            [96, 18432],
            "That is one weight for each map: a window has nine in each.",
        ),
        ([9, 864], "A filter has a window of weights for each of the 96 maps."),
        (
            [288, 55296],
            "A window of 3 by 3 has nine points.",
        ),
        (
            [1728, 165888],
            "192 is the number of filters: each of them looks at 96 maps.",
        ),
        ([865, 166080], "Count the weights only, without biases."),
        ([864, 166080], "Count the weights only, without biases."),
        ([165888, 864], "Those are the right numbers in the other order."),
    ],
    remark="As many weights as windows of 3 by 3 in 96 maps, for each of 192 filters.",
)

exercise(
    "00.4",
    [15, 0],
    hints=[
        ([15, -15], "A ReLU sets a negative sum to 0."),
        ([15, 15], "A ReLU sets a negative sum to 0: it does not drop the sign."),
        ([5, 0], "That is one row: the filter adds up all three."),
        ([5, -5], "That is one row, and without the ReLU."),
        ([0, 15], "This filter subtracts what is on the right."),
        ([-15, 15], "This filter subtracts what is on the right; then comes the ReLU."),
        ([14, 0], "That adds up a row: multiply by the weights first."),
        ([14, 14], "That adds up a row: multiply by the weights first."),
        ([30, 0], "The weights in the middle are 0."),
        ([42, 42], "The weights on the right are -1, those in the middle 0."),
        ([27, 27], "The weights on the right are -1."),
        ([21, 6], "The weights on the right are -1: what stands there is subtracted."),
        ([0, 0], "Only a negative sum is set to 0, and the first one is not."),
    ],
    remark="The filter responds to an edge, and with the ReLU to one side of it only.",
)
