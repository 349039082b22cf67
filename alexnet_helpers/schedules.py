"""The learning rate schedule that Keras does not have."""

import math

from alexnet_helpers import checks, load_keras

keras = load_keras()


@keras.saving.register_keras_serializable(package="alexnet_helpers")
class Refined(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule for some steps, then half a cosine from another rate to 0.

    Parameters
    ----------
    main : keras.optimizers.schedules.LearningRateSchedule or float
        The schedule to begin with, or a constant rate.
    main_steps : int
        For how many steps it holds.
    refine_rate : float
        Where the cosine begins.
    refine_steps : int
        How many steps the cosine takes.

    Examples
    --------
    >>> rate = Refined(0.1, main_steps=100, refine_rate=0.02, refine_steps=10)
    >>> [round(float(rate(step)), 4) for step in (99, 100, 105, 110)]
    [0.1, 0.02, 0.01, 0.0]
    """

    def __init__(self, main, main_steps, refine_rate, refine_steps):
        if isinstance(main, dict) and main:  # as a saved model has it
            main = keras.optimizers.schedules.deserialize(main)
        schedule = keras.optimizers.schedules.LearningRateSchedule
        if not isinstance(main, schedule):
            main = checks.number("main", main, above=0)
        self.main = main
        self.main_steps = checks.integer("main_steps", main_steps)
        self.refine_rate = checks.number("refine_rate", refine_rate, above=0)
        self.refine_steps = checks.integer("refine_steps", refine_steps)

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        done = keras.ops.clip((step - self.main_steps) / self.refine_steps, 0, 1)
        refined = self.refine_rate * (1 + keras.ops.cos(math.pi * done)) / 2
        main = self.main(step) if callable(self.main) else self.main
        return keras.ops.where(step < self.main_steps, main, refined)

    def get_config(self):
        main = self.main
        if callable(main):
            main = keras.optimizers.schedules.serialize(main)
        return {
            "main": main,
            "main_steps": self.main_steps,
            "refine_rate": self.refine_rate,
            "refine_steps": self.refine_steps,
        }
