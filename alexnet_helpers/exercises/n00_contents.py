"""The exercises of notebook 00_contents."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise

exercise(
    "00.1",
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
        (
            [7, -1],
            "That takes the whole gradient: multiply it by the learning rate first."
            " And go against it.",
        ),
        ([2, 1], "That is where both start: take a step against the gradient."),
        (
            [1.5, -1.2],
            "The first is right. The second starts at 1: from there go up by 0.2.",
        ),
        (
            [1.5, -1.0],
            "The first is right. The second slope, too, is multiplied by the rate, and"
            " it is negative: against it means upwards.",
        ),
        (
            [1.5, 3.0],
            "The first is right. The second slope, too, is multiplied by the rate.",
        ),
        (
            [2.05, 0.98],
            "That goes up both slopes, and with a learning rate of 0.01: it is 0.1.",
        ),
        ([1.95, 1.02], "That is a step with a learning rate of 0.01: it is 0.1."),
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
    "00.2",
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
        (
            [864, 192],
            "The filter is right; 192 is the number of filters, each with its weights.",
        ),
        ([864, 1728], "The filter is right: the layer has 192 of them."),
        ([864, 864], "The filter is right: the layer has 192 of them."),
        ([864, 82944], "The filter is right: the layer has 192 of them, not 96."),
        (
            [96, 18432],
            "That is one weight for each map: a window has nine in each.",
        ),
        (
            [9, 18432],
            "A filter has a window of weights for each map,"
            " and the layer has 192 such filters.",
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
        ([27, 5184], "That is for 3 maps, such as the colours: here there are 96."),
        (
            [1728, 331776],
            "192 is the number of filters: each of them looks at 96 maps.",
        ),
        ([865, 166080], "Count the weights only, without biases."),
        ([864, 166080], "Count the weights only, without biases."),
        (
            [864, 18432],
            "The filter is right; the layer has 192 filters of 864 weights each.",
        ),
        (
            [864, 1056],
            "The filter is right. Multiply it by the number of filters: do not add.",
        ),
        (
            [864, 42467328],
            "The filter is right: multiply it by the 192 filters, by nothing else.",
        ),
        ([165888, 864], "Those are the right numbers in the other order."),
    ],
    remark="As many weights as windows of 3 by 3 in 96 maps, for each of 192 filters.",
)

exercise(
    "00.3",
    [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
    hints=[
        (
            [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
            "That subtracts the upper row from the lower one.",
        ),
        (
            [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
            "That is the filter of this page: it subtracts columns.",
        ),
        ([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], "That subtracts a column: take rows."),
        (
            [[1, 1, 1], [-1, -1, -1], [0, 0, 0]],
            "That subtracts the middle row: take the lower one.",
        ),
        (
            [[0, 0, 0], [1, 1, 1], [-1, -1, -1]],
            "That begins with the middle row: take the upper one.",
        ),
        (
            [[1, 1, 1], [1, 1, 1], [-1, -1, -1]],
            "The middle row counts neither way: its weights are 0.",
        ),
        (
            [[1, 1, 1], [-1, -1, -1], [-1, -1, -1]],
            "The middle row counts neither way: its weights are 0.",
        ),
        (
            [[0, 1, 0], [0, 0, 0], [0, -1, 0]],
            "That takes one pixel of each row: take all three.",
        ),
        (
            [[2, 2, 2], [0, 0, 0], [-2, -2, -2]],
            "That gives twice the difference: the weights are 1, 0 and -1.",
        ),
        (
            [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
            "The middle column counts double there: the weights are 1, 0 and -1.",
        ),
        (
            np.outer([1, 0, -1], [1, 1, 1]) / 3,
            "That subtracts means: the weights are 1, 0 and -1.",
        ),
        (
            [[1, 1, 1], [0, 0, 0], [1, 1, 1]],
            "That adds the lower row: what is subtracted has the weight -1.",
        ),
        (
            [[1, 1, 1], [0, 0, 0], [0, 0, 0]],
            "The lower row is not yet subtracted: its weights are -1.",
        ),
        (
            [[-1, -1, -1], [1, 1, 1], [0, 0, 0]],
            "The upper row of a window has the weights 1, the lower one -1.",
        ),
        (
            [[1, -1, 0], [1, -1, 0], [1, -1, 0]],
            "That subtracts a column: take rows.",
        ),
        (
            [[1, 0, 0], [0, 0, 0], [-1, 0, 0]],
            "That takes one pixel of each row: take all three.",
        ),
        ([1, 0, -1], "Those are three weights: a filter has nine, in three rows."),
        (
            [1, 1, 1, 0, 0, 0, -1, -1, -1],
            "The weights are right: put them into three rows.",
        ),
    ],
    remark="It responds where the photo is brighter above than below.",
)


def _by_class(answers, labels, classes):
    return np.array([np.mean(answers[labels == k] == k) for k in range(classes)])


def _from_one(answers, labels, classes):
    return np.append(_by_class(answers, labels, classes)[1:], np.nan)


def _of_answers(answers, labels, classes):
    with np.errstate(invalid="ignore"):
        right = [(labels[answers == k] == k).sum() for k in range(classes)]
        return right / np.array([(answers == k).sum() for k in range(classes)])


def _of_all(answers, labels, classes):
    return np.array([np.mean((answers == k) & (labels == k)) for k in range(classes)])


def _by_bincount(answers, labels, classes):
    return np.bincount(labels[answers == labels]) / np.bincount(labels)


def _of_named(answers, labels, classes):
    return np.array([np.mean(answers[labels == k] == k) for k in np.unique(answers)])


def _of_agreeing(answers, labels, classes):
    return np.array([np.mean((answers == k) == (labels == k)) for k in range(classes)])


exercise(
    "00.4",
    _by_class,
    cases=[
        (np.array([0, 0, 3, 3, 1, 2, 3, 1]), np.array([1, 0, 3, 2, 1, 0, 2, 0]), 4),
        (np.array([0, 1, 1, 2, 0, 0]), np.array([0, 1, 2, 2, 1, 1]), 3),
        (np.array([0, 1, 1, 0]), np.array([0, 1, 2, 2]), 3),
    ],
    wrong=[
        (
            lambda answers, labels, classes: np.mean(answers == labels),
            "That is the accuracy of all images together:"
            " one number for each class is asked for.",
        ),
        (
            _of_answers,
            "You divide by the number of images that got this answer:"
            " divide by the number that have this label.",
        ),
        (
            lambda answers, labels, classes: np.mean(
                _by_class(answers, labels, classes)
            ),
            "That is the mean of the right numbers: return them one by one.",
        ),
        (
            lambda answers, labels, classes: np.mean(answers[labels == 0] == 0),
            "That is the first class alone: collect all of them before you return.",
        ),
        (
            lambda answers, labels, classes: np.array(
                [np.mean(answers[labels == 0] == 0)]
            ),
            "That is the first class alone: collect all of them before you return.",
        ),
        (
            lambda answers, labels, classes: 1.0 * (answers == labels)[:classes],
            "`[k]` takes image k: take all images whose label is k.",
        ),
        (
            lambda answers, labels, classes: np.array(
                [np.mean(answers == k) for k in range(classes)]
            ),
            "Those are the shares of the answers, right or wrong: compare with labels.",
        ),
        (
            lambda answers, labels, classes: np.array(
                [np.sum(answers == k) / np.sum(labels == k) for k in range(classes)]
            ),
            "You count the answers, right or wrong:"
            " count those that agree with their label.",
        ),
        (
            _of_all,
            "You divide by the number of all images:"
            " divide by the number that have this label.",
        ),
        (
            lambda answers, labels, classes: np.array(
                [np.sum(answers[labels == k] == k) for k in range(classes)]
            ),
            "Those are counts: divide each by the number of images of its class.",
        ),
        (
            lambda answers, labels, classes: 1 - _by_class(answers, labels, classes),
            "Those are the shares of the wrong answers.",
        ),
        (
            lambda answers, labels, classes: 100 * _by_class(answers, labels, classes),
            "Return shares, from 0 to 1, not per cent.",
        ),
        (
            lambda answers, labels, classes: np.sort(
                _by_class(answers, labels, classes)
            ),
            "Those are the right numbers, but sorted: the first belongs to class 0.",
        ),
        (
            lambda answers, labels, classes: np.round(
                _by_class(answers, labels, classes), 2
            ),
            "Return the shares as they are, not rounded.",
        ),
        (
            _of_agreeing,
            "That also counts the images that neither are of the class nor got it"
            " as an answer: look only at those of the class.",
        ),
        (
            _of_named,
            "Loop over `range(classes)`: a class that is never an answer is missing.",
        ),
        (
            lambda answers, labels, classes: _by_class(answers, labels, classes - 1),
            "The last class is missing: they are numbered from 0.",
        ),
        (
            _from_one,
            "That begins with class 1 and ends with one that does not exist: they are"
            " numbered from 0.",
        ),
        (
            lambda answers, labels, classes: _by_class(answers, labels, classes)[1:],
            "The first class is missing: they are numbered from 0.",
        ),
        (
            _by_bincount,
            "`bincount` stops at the largest number that it meets, and here none of"
            " the last class is right: `minlength=classes` makes it count all.",
        ),
    ],
    remark="One accuracy for all classes hides how much they differ.",
)
