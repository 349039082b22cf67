"""The exercises of notebook 08_softmax_and_loss."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise

exercise(
    "08.1",
    [0.2, 0.3, 0.5],
    hints=[
        (
            np.log([2, 3, 5]) / np.log(30),
            "Those are the scores divided by their sum:"
            " first take the exponential of each.",
        ),
        (
            [2, 3, 5],
            "Those are the powers: they still have to be divided by their sum.",
        ),
        (
            np.log([2, 3, 5]),
            "Those are the scores: take the exponential of each,"
            " and divide by the sum.",
        ),
        (np.log([0.2, 0.3, 0.5]), "Those are the logarithms of the probabilities."),
        ([20, 30, 50], "Those are percentages: probabilities lie between 0 and 1."),
        (
            [0.4, 0.6, 1.0],
            "Divide by the sum of the powers, not by the largest:"
            " probabilities add up to 1.",
        ),
        (
            np.exp([2, 3, 5]) / np.exp([2, 3, 5]).sum(),
            "The scores are ln 2, ln 3 and ln 5, not 2, 3 and 5.",
        ),
        ([1 / 3, 1 / 3, 1 / 3], "The larger the score, the larger the probability."),
        ([0.5, 0.3, 0.2], "The largest score, ln 5, comes last."),
    ],
)

exercise(
    "08.2",
    0.6 * np.log(6) + 0.4 * np.log(4),
    hints=[
        (
            1.6,
            "One decimal does not tell the right answer from wrong ones:"
            " three are asked for.",
        ),
        (
            np.log(10),
            "That is the loss of knowing nothing, but this network knows the group.",
        ),
        (
            (np.log(6) + np.log(4)) / 2,
            "That weighs both groups equally,"
            " but there are more images of animals than of vehicles.",
        ),
        (
            np.log(5),
            "That is the loss if each group had five classes: one has more images"
            " and more classes than the other.",
        ),
        (
            np.log(0.6 * 6 + 0.4 * 4),
            (
                "That is the logarithm of a mean number of classes: take the logarithm"
                " for each image first, and the mean afterwards."
            ),
        ),
        (
            0.6 * np.log(4) + 0.4 * np.log(6),
            "Check how many classes share the probability in each group.",
        ),
        (
            np.log(24),
            "That is the sum of the two groups' losses:"
            " the mean over all images is asked for.",
        ),
        (
            np.log(6),
            "That is the loss of an image of an animal: vehicles count as well.",
        ),
        (
            np.log(4),
            "That is the loss of an image of a vehicle: animals count as well.",
        ),
        (-0.6 * np.log(6) - 0.4 * np.log(4), "A loss is positive."),
        (
            0.6 * np.log10(6) + 0.4 * np.log10(4),
            "That is with the logarithm to base 10:"
            " the loss uses the natural logarithm.",
        ),
        (
            0.6 * np.log2(6) + 0.4 * np.log2(4),
            "That is with the logarithm to base 2:"
            " the loss uses the natural logarithm.",
        ),
        (
            0.2,
            "That is the mean probability of the true class: the mean of minus its"
            " logarithm is asked for.",
        ),
    ],
    tolerance=3.1e-4,  # three decimals
)

exercise(
    "08.3",
    [0.7, 0.1, -0.85, 0.05],
    hints=[
        (
            [-0.7, -0.1, 0.85, -0.05],
            "The sign is the other way round: that is the step downhill,"
            " the gradient points uphill.",
        ),
        (
            [0.7, -0.9, 0.15, 0.05],
            "Class number 2 is the third one, since we count from 0.",
        ),
        (
            [0, 0, -1 / 0.15, 0],
            "That is the derivative by the probabilities:"
            " those by the scores are asked for.",
        ),
        (
            [0.0, 0.0, -0.85, 0.0],
            "The other scores count as well: they are in the sum of the softmax.",
        ),
        (
            [0.7, 0.1, 0.15, 0.05],
            "Those are the probabilities: at the true class something is subtracted.",
        ),
        ([0.7, 0.1, 1.15, 0.05], "At the true class the 1 is subtracted."),
        (
            [0.7, 0.1, 0.85, 0.05],
            (
                "Check a sign: if the score of the true class grows, does the loss grow"
                " or fall?"
            ),
        ),
        (
            [0.7, 0.1, -0.15, 0.05],
            "At the true class something is subtracted: the sign alone is not enough.",
        ),
        (
            [-0.3, 0.1, 0.15, 0.05],
            (
                "The 1 is subtracted at the network's answer: the label says where it"
                " belongs."
            ),
        ),
        (
            [0.175, 0.025, -0.2125, 0.0125],
            (
                "That is divided by the number of classes: a mean runs over images, and"
                " here is one."
            ),
        ),
        (
            [0.0, 0.0, -np.log(0.15), 0.0],
            "That is the loss: its derivative by each score is asked for.",
        ),
        (
            [0.21, 0.09, 0.1275, 0.0475],
            "That is how each probability changes with its own score: how the loss"
            " changes is asked for.",
        ),
        (
            [-0.105, -0.015, 0.1275, -0.0075],
            "That is how the probability of the true class changes: the loss is minus"
            " its logarithm.",
        ),
        (
            [0.455, -0.055, -0.3675, -0.0325],
            "That is the gradient of the squared error, not of minus the logarithm.",
        ),
        (
            np.log([0.7, 0.1, 0.15, 0.05]),
            "Those are the logarithms of the probabilities: the gradient needs the"
            " probabilities themselves.",
        ),
    ],
)


def _loss_from_scores(z, labels):
    return float(np.mean(np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), labels]))


def _true(z, labels):
    return z[np.arange(len(z)), labels]


def _softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _log_sum(z):
    return np.log(np.exp(z).sum(axis=1))


_SCORES, _LABELS = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]), np.array([0, 2])

exercise(
    "08.4",
    _loss_from_scores,
    cases=[
        (_SCORES, _LABELS),
        (1000 + _SCORES, _LABELS),
        (
            np.array(
                [[1000, 1001, 998, 1002], [-1000, -1003, -1001, -999], [5, 3, 1, 2]]
            ),
            np.array([3, 1, 0]),
        ),
        (1000 * _SCORES, _LABELS),
    ],
    wrong=[
        (
            lambda z, t: np.logaddexp.reduce(z, axis=1) - _true(z, t),
            "One loss for each row: their mean is asked for.",
        ),
        (
            lambda z, t: (np.logaddexp.reduce(z, axis=1) - _true(z, t)).sum(),
            "That is the sum over the rows.",
        ),
        (
            lambda z, t: _loss_from_scores(z, t) / np.log(2),
            "That is with the logarithm to base 2:"
            " the loss uses the natural logarithm.",
        ),
        (
            lambda z, t: -np.log(np.clip(_true(_softmax(z), t), 1e-7, 1 - 1e-7)).mean(),
            "Clipped probabilities limit the loss to 16.1: subtract scores,"
            " without probabilities.",
        ),
        *(
            (
                lambda z, t, tiny=tiny: -np.log(_true(_softmax(z), t) + tiny).mean(),
                (
                    "A tiny number in the logarithm limits the loss: subtract scores,"
                    " without probabilities."
                ),
            )
            for tiny in (1e-6, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, np.finfo(float).eps)
        ),
        (
            lambda z, t: (np.logaddexp.reduce(z, axis=1) - z[:, t]).mean(),
            (
                "`z[:, labels]` takes the scores of all labels from every row: only its"
                " own label's score belongs to a row."
            ),
        ),
        (
            lambda z, t: (np.logaddexp.reduce(z, axis=None) - _true(z, t)).mean(),
            "The sum runs over all rows at once: each row has a sum of its own.",
        ),
        (
            lambda z, t: -_loss_from_scores(z, t),
            "The sign is the other way round: a loss is positive.",
        ),
        (
            lambda z, t: (
                _log_sum(z - z.max(axis=1, keepdims=True)) - _true(z, t)
            ).mean(),
            "What is subtracted in the sum must be subtracted from the true score as"
            " well.",
        ),
        (
            lambda z, t: np.logaddexp.reduce(z, axis=1).mean(),
            "The score of the true class is not subtracted.",
        ),
        (
            lambda z, t: -np.log(_true(_softmax(z), t)).mean(),
            "A tiny probability rounds to 0, and its logarithm is infinite: subtract"
            " scores, without probabilities.",
        ),
        (
            lambda z, t: (_log_sum(z) - _true(z, t)).mean(),
            "Scores in the thousands overflow:"
            " subtract each row's largest score first.",
        ),
        (
            lambda z, t: (
                -np.log(
                    _true(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), t)
                ).mean()
            ),
            "Scores in the thousands overflow:"
            " subtract each row's largest score first.",
        ),
        (
            lambda z, t: (_log_sum(z - z.max()) - _true(z - z.max(), t)).mean(),
            "Subtract from each row its own largest score:"
            " here one row lies far below the other.",
        ),
    ],
)
