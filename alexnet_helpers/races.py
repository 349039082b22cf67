"""Small networks in NumPy that race to few wrong answers: notebook 03.

They are dense layers without biases, each as wide as the images have pixels; the last
one gives a score for each class. Plain gradient descent on the cross-entropy trains
them, on one thread: for matrices this small, more would cost time.
"""

import contextlib

import numpy as np
from threadpoolctl import threadpool_limits

from alexnet_helpers import checks

BATCH = 128
LOOKS = 80  # of a curve, of which the first steps share some
RATES = (0.3, 0.1, 0.03, 0.01, 0.2, 0.06, 0.02, 0.006, 0.6, 1.0, 2.0, 3.0, 0.003, 0.001)


class Race:
    """Count the steps of one kind of network to a goal, at any rate or at its best.

    Parameters
    ----------
    images : array_like, shape (N, inputs)
    labels : sequence of int
        One for each image, from 0 on.
    activation : function
        The nonlinearity after each layer but the last, for an array.
    slope : function
        The slope of `activation`, for an array.
    spreads : sequence of float
        The standard deviation of each layer's initial weights, the first layer first.
    goal : float
        The share of wrong answers, over all images, that ends a run.
    every : int
        After how many steps each the goal is looked at.

    Examples
    --------
    >>> images, labels = np.repeat(np.eye(4), 25, axis=0), np.repeat([0, 1, 2, 3], 25)
    >>> race = Race(images, labels, np.tanh, lambda z: 1 - np.tanh(z) ** 2, [0.5] * 2)
    >>> bool(race.steps((3.0, 3.0), seed=0) < race.steps((0.3, 0.3), seed=0))
    True
    """

    def __init__(self, images, labels, activation, slope, spreads, goal=0.01, every=5):
        images = checks.array("images", images, ("N", "inputs"))
        self.images = images.astype(np.float32)
        self.labels = checks.integers("labels", labels, 0, 999, len(images))
        self.activation = checks.function("activation", activation)
        self.slope = checks.function("slope", slope)
        self.spreads = _numbers("spreads", spreads)
        self.goal = checks.number("goal", goal, lowest=0, highest=1)
        self.every = checks.integer("every", every)

    def steps(self, rates, seed, most=300):
        """Train one network, and return the steps to the goal, or infinity.

        A run gives up after `most` steps, and before that if more than half of the
        answers are wrong at step 100 or later.

        Parameters
        ----------
        rates : pair of float
            The learning rate of the first layer, and that of the others.
        seed : int
            For the initial weights and the batches.
        most : int
        """
        most = checks.integer("most", most, 0)
        with _quietly_on_one_thread():
            for step, weights in enumerate(self._train(rates, seed, most)):
                if step % self.every == 0:
                    wrong = self._share_wrong(weights)
                    if wrong <= self.goal:
                        return step
                    if step >= 100 and wrong > 0.5:
                        break
        return np.inf

    def curve(self, rates, seed, most=1000):
        """Train one network to the end, and return its share of wrong answers.

        No goal ends the run, and it does not give up. It looks after each of the first
        steps, and then ever more rarely, so that the looks fit a logarithmic axis.

        Parameters
        ----------
        rates, seed
            As for `steps`.
        most : int
            The steps, 9,999 or fewer.

        Returns
        -------
        looks : np.ndarray of int, shape (N,)
            After how many steps each.
        wrong : np.ndarray, shape (N,)
            The shares, over all images.
        """
        most = checks.integer("most", most, 1, 9999)
        looks = np.unique(np.geomspace(1, most, LOOKS).round().astype(int))
        with _quietly_on_one_thread():
            networks = enumerate(self._train(rates, seed, most))
            wrong = [self._share_wrong(w) for step, w in networks if step in looks]
        return looks, np.array(wrong)

    def best(self, rates=RATES, runs=5):
        """Find the rate, the same for all layers, with the lowest median of its runs.

        Parameters
        ----------
        rates : sequence of float
        runs : int
            How many runs each rate has, with the seeds 0, 1, ...

        Returns
        -------
        rate : float or None
            The first one with the lowest median; None if no median is finite.
        steps : list of float
            Of its runs, in order; infinity for each if there is no such rate.
        """
        rates = _numbers("rates", rates)
        runs = checks.integer("runs", runs, 1, 999)
        best, fewest = None, 300
        for rate in rates:
            median = self._median(rate, runs, fewest)
            if median < fewest:
                best, fewest = rate, median
        if best is None:
            return None, [np.inf] * runs
        return best, sorted(self.steps((best, best), seed) for seed in range(runs))

    def _train(self, rates, seed, most):
        """Yield the weights before the first step, and after each of `most` steps."""
        rates = _numbers("rates", rates, count=2)
        rng = np.random.default_rng(checks.integer("seed", seed, 0))
        weights = self._initial_weights(rng)
        yield weights
        for _ in range(most):
            batch = rng.integers(0, len(self.images), BATCH)
            gradients = self._gradients(batch, weights)
            for layer, gradient in enumerate(gradients):
                weights[layer] -= rates[min(layer, 1)] * gradient
            yield weights

    def _median(self, rate, runs, most):
        """Return the upper median of a rate's runs, or infinity where it has `most`."""
        steps = []
        for seed in range(runs):
            steps.append(self.steps((rate, rate), seed, most))
            if sum(np.isinf(steps)) > runs // 2:  # whatever the others take
                return np.inf
        return sorted(steps)[runs // 2]

    def _initial_weights(self, rng):
        width, classes = self.images.shape[1], int(self.labels.max()) + 1
        sizes = [(width, width)] * (len(self.spreads) - 1) + [(width, classes)]
        pairs = zip(self.spreads, sizes, strict=True)
        return [rng.normal(0, s, size).astype(np.float32) for s, size in pairs]

    def _forward(self, x, weights):
        """Return the pre-activations and the outputs of all layers, the last raw."""
        zs, outputs = [], [x]
        for w in weights[:-1]:
            zs.append(outputs[-1] @ w)
            outputs.append(self.activation(zs[-1]))
        return zs, outputs, outputs[-1] @ weights[-1]

    def _share_wrong(self, weights):
        scores = self._forward(self.images, weights)[2]
        return (scores.argmax(axis=1) != self.labels).mean()

    def _gradients(self, batch, weights):
        """Return the gradient of the mean cross-entropy for each layer's weights."""
        zs, outputs, scores = self._forward(self.images[batch], weights)
        g = np.exp(scores - scores.max(axis=1, keepdims=True))
        g /= g.sum(axis=1, keepdims=True)
        g[np.arange(len(batch)), self.labels[batch]] -= 1
        g /= len(batch)
        found = [outputs[-1].T @ g]
        for layer in range(len(zs) - 1, -1, -1):
            g = (g @ weights[layer + 1].T) * self.slope(zs[layer])
            found.append(outputs[layer].T @ g)
        return found[::-1]


@contextlib.contextmanager
def _quietly_on_one_thread():
    """Keep NumPy to one thread, and quiet where a large rate ends in infinity."""
    with threadpool_limits(1), np.errstate(all="ignore"):
        yield


def _numbers(name, values, count=None):
    """Return a list of numbers, 0 or more, as a tuple of floats."""
    needed = f"a list of {count or 'one or more'} numbers, 0 or more"
    fits = isinstance(values, (list, tuple)) and len(values) > 0
    if not fits or count not in (None, len(values)):
        checks.refuse(name, needed, values)
    return tuple(checks.number(name, value, lowest=0) for value in values)
