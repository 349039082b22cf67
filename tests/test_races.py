"""The small networks that race in notebook 03: their gradients, their goal, the choice of a rate."""

import numpy as np
import pytest

from alexnet_helpers import races

TANH = (np.tanh, lambda z: 1 - np.tanh(z) ** 2)


def three_kinds():
    """Return images of three kinds that are easy to tell apart, and their labels."""
    labels = np.repeat([0, 1, 2], 40)
    return np.eye(6)[labels] + np.random.default_rng(0).normal(0, 0.1, (120, 6)), labels


def loss(race, batch, weights):
    scores = race._forward(race.images[batch], weights)[2]
    return (np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(batch)), race.labels[batch]]).mean()


def test_the_gradients_are_those_of_the_loss():
    race = races.Race(*three_kinds(), *TANH, [0.5] * 4)
    race.images = race.images.astype(float)
    weights = [w.astype(float) for w in race._initial_weights(np.random.default_rng(1))]
    batch = np.arange(0, 120, 7)
    for layer, gradient in enumerate(race._gradients(batch, weights)):
        losses = []
        for nudge in (1e-5, -2e-5):  # up, and from there down
            weights[layer][2, 1] += nudge
            losses.append(loss(race, batch, weights))
        weights[layer][2, 1] += 1e-5
        assert (losses[0] - losses[1]) / 2e-5 == pytest.approx(gradient[2, 1], rel=1e-5)


def test_the_first_layer_has_a_rate_of_its_own():
    images, labels = three_kinds()
    race = races.Race(images, labels, *TANH, [0.5] * 3)
    larger = races.Race(images * 10, labels, *TANH, [0.05, 0.5, 0.5])
    assert race.steps((0.3, 0.1), seed=3) == larger.steps((0.003, 0.1), seed=3) < np.inf


def test_a_run_ends_at_the_goal_or_gives_up():
    race = races.Race(*three_kinds(), *TANH, [0.5] * 3, every=10)
    assert race.steps((0.1, 0.1), seed=0) % 10 == 0
    assert race.steps((0.1, 0.1), seed=0, most=0) == np.inf
    assert race.steps((0, 0), seed=0) == np.inf
    assert race.steps((1e30, 1e30), seed=0) == np.inf


def test_a_curve_goes_on_past_the_goal():
    race = races.Race(*three_kinds(), *TANH, [0.5] * 3, every=1)
    steps = race.steps((0.3, 0.1), seed=2)
    looks, wrong = race.curve((0.3, 0.1), seed=2, most=20)
    np.testing.assert_array_equal(looks, range(1, 21))  # few steps: each is looked at
    assert looks[(wrong <= race.goal).argmax()] == steps > 1
    assert len(wrong) == 20
    looks = race.curve((0, 0), seed=2, most=400)[0]
    assert looks[-1] == 400
    assert (np.diff(looks[-9:]) > 10).all()


def test_the_best_rate_has_the_lowest_median():
    race = races.Race(*three_kinds(), *TANH, [0.5] * 3, every=1)
    rates = (0.01, 0.3, 0.1)
    medians = {rate: np.median([race.steps((rate, rate), seed) for seed in range(3)]) for rate in rates}
    rate, steps = race.best(rates, runs=3)
    assert rate == min(rates, key=medians.get)
    assert np.median(steps) == medians[rate]
    assert steps == sorted(steps)
    assert race.best((0,), runs=2) == (None, [np.inf, np.inf])
