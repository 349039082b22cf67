"""From a recipe to an untrained network, compiled with its optimizer, schedule and loss."""

import math

import numpy as np

from alexnet_helpers import checks, load_keras, models, optimizers
from alexnet_helpers.recipes import find_recipe

keras = load_keras()

__all__ = ("Refined", "compile_model")


@keras.saving.register_keras_serializable(package="alexnet_helpers")
class Refined(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule (or a constant rate) for some steps, then half a cosine from another rate to 0."""

    def __init__(self, main, main_steps, refine_rate, refine_steps):
        """Take the main schedule with its number of steps, and the rate and steps of the cosine after it."""
        main = (
            keras.optimizers.schedules.deserialize(main)
            if isinstance(main, dict) and main
            else main
        )
        if not isinstance(main, keras.optimizers.schedules.LearningRateSchedule):
            main = checks.number("main", main, above=0)
        self.main, self.main_steps = main, checks.integer("main_steps", main_steps)
        self.refine_rate = checks.number("refine_rate", refine_rate, above=0)
        self.refine_steps = checks.integer("refine_steps", refine_steps)

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        done = keras.ops.clip((step - self.main_steps) / self.refine_steps, 0, 1)
        refined = self.refine_rate * (1 + keras.ops.cos(math.pi * done)) / 2
        return keras.ops.where(
            step < self.main_steps,
            self.main(step) if callable(self.main) else self.main,
            refined,
        )

    def get_config(self):
        main = (
            keras.optimizers.schedules.serialize(self.main)
            if callable(self.main)
            else self.main
        )
        names = ("main_steps", "refine_rate", "refine_steps")
        return {"main": main} | {name: getattr(self, name) for name in names}


def compile_model(recipe, steps_per_epoch, num_classes=10, mixed=False):
    """Return the recipe's network, untrained and compiled for `recipe.epochs` epochs.

    With `mixed` it computes in float16 what a GPU multiplies faster so, and keeps its weights in float32.
    """
    recipe, steps_per_epoch = (
        find_recipe(recipe),
        checks.integer("steps_per_epoch", steps_per_epoch),
    )
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(
        "mixed_float16" if checks.flag("mixed", mixed) else usual
    )
    try:
        return _compile_model(recipe, steps_per_epoch, num_classes)
    finally:
        keras.config.set_dtype_policy(usual)


def _compile_model(recipe, steps_per_epoch, num_classes):
    names = ("width", "kernel_initializer", "centred_input", "batch_norm")
    network = {name: getattr(recipe, name) for name in names}
    model = models.alexnet_cifar10(
        recipe.variant, num_classes=num_classes, **network, **recipe.ingredients
    )
    rate, main_epochs = recipe.learning_rate, recipe.epochs - recipe.refine_epochs
    if recipe.schedule == "cosine":
        warmup = recipe.warmup_epochs * steps_per_epoch
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else rate,
            max(1, main_epochs * steps_per_epoch - warmup),
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    elif recipe.schedule == "linear":
        rate = keras.optimizers.schedules.PolynomialDecay(
            rate, main_epochs * steps_per_epoch, 0.0, power=1.0
        )
    if recipe.refine_epochs:
        rate = Refined(
            rate,
            main_epochs * steps_per_epoch,
            recipe.refine_rate,
            recipe.refine_epochs * steps_per_epoch,
        )
    average = {"use_ema": recipe.averaging > 0, "ema_momentum": recipe.averaging}
    if recipe.optimizer == "sgd":
        options = {
            "momentum": 0.9,
            "nesterov": recipe.nesterov,
            "weight_decay": recipe.weight_decay or None,
        }
        optimizer = keras.optimizers.SGD(rate, **options, **average)
    elif recipe.optimizer == "muon":
        # Only kernels with batch normalization behind them: their scale has no effect.
        kernels = [
            f"{name}/kernel"
            for name in ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7")
        ]
        optimizer = optimizers.Muon(rate, orthogonal=kernels, **average)
    elif recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(
            rate, weight_decay=recipe.weight_decay, **average
        )
    else:
        optimizer = keras.optimizers.Adam(rate, **average)
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    # jit_compile=False: on a CPU, TensorFlow's plain graph was measured 2-8 times faster.
    model.compile(
        optimizer,
        loss=keras.losses.CategoricalCrossentropy(
            label_smoothing=recipe.label_smoothing
        ),
        metrics=["accuracy"],
        jit_compile="auto" if keras.backend.backend() != "tensorflow" else False,
    )
    return model


def whiten_stem(model, images):
    """Set conv1 from the first images, if the network has it so; for others no image is read."""
    if isinstance(model.get_layer("conv1"), models.WhitenedConv2D):
        models.whiten(model, np.asarray(images[:5000]))
