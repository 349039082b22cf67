"""Exercises that check themselves: `check(name, answer)` says right, or what is off.

`check` and `exercise` are in `engine`; `values` and `functions` compare the two kinds
of answers. Each notebook has a file of its own, such as `n01_output_size_formula`, with
the right answer of each exercise and, beside it, the usual wrong ones with their hints.
Hints say where a slip lies, not the right answer.
"""

# Each of these enters the exercises of its notebook, in this order.
from alexnet_helpers.exercises import (  # noqa: F401
    n00_contents,
    n01_output_size_formula,
    n02_convolution,
    n03_relu_and_local_response_normalization,
    n04_max_pooling,
    n05_stacked_convolutions,
    n06_fully_connected,
    n07_dropout,
    n08_softmax_and_loss,
    n09_backpropagation,
    n10_build_alexnet,
    n11_cifar10,
    n12_why_it_does_not_learn,
    n13_train_on_cifar10,
    n14_look_inside,
    n15_the_real_alexnet,
    n16_what_mattered,
    n17_scale_out,
)
from alexnet_helpers.exercises.engine import EXERCISES, Exercise, check, exercise
from alexnet_helpers.exercises.functions import call
from alexnet_helpers.exercises.words import NotAnswered, Refused

__all__ = [
    "EXERCISES",
    "Exercise",
    "NotAnswered",
    "Refused",
    "call",
    "check",
    "exercise",
]
