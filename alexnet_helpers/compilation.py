"""From a recipe to an untrained network, compiled with its optimizer and loss."""

import numpy as np

from alexnet_helpers import checks, load_keras, models, optimizers
from alexnet_helpers.recipes import find_recipe
from alexnet_helpers.schedules import Refined

keras = load_keras()

__all__ = ("compile_model",)


def compile_model(recipe, steps_per_epoch, num_classes=10, mixed=False):
    """Return the recipe's network, untrained and compiled.

    Parameters
    ----------
    recipe : recipes.Recipe or str
    steps_per_epoch : int
        How many batches an epoch has; the schedule runs over all epochs of the recipe.
    num_classes : int
    mixed : bool
        Whether to compute in float16 what a GPU multiplies faster so; the weights stay
        in float32.

    Returns
    -------
    keras.Model

    Examples
    --------
    >>> model = compile_model("tutorial", steps_per_epoch=700)
    >>> round(float(model.optimizer.learning_rate), 6)
    0.001
    """
    recipe = find_recipe(recipe)
    steps_per_epoch = checks.integer("steps_per_epoch", steps_per_epoch)
    mixed = checks.flag("mixed", mixed)
    policy = keras.config.dtype_policy()
    try:
        if mixed:
            keras.config.set_dtype_policy("mixed_float16")
        model = _build(recipe, num_classes)
        loss = keras.losses.CategoricalCrossentropy(
            label_smoothing=recipe.label_smoothing
        )
        # On a CPU, TensorFlow's plain graph was measured 2-8 times faster than XLA.
        xla = False if keras.backend.backend() == "tensorflow" else "auto"
        model.compile(
            _optimizer(recipe, _schedule(recipe, steps_per_epoch)),
            loss=loss,
            metrics=["accuracy"],
            jit_compile=xla,
        )
        return model
    finally:
        keras.config.set_dtype_policy(policy)


def _build(recipe, num_classes):
    return models.alexnet_cifar10(
        recipe.variant,
        num_classes=num_classes,
        width=recipe.width,
        kernel_initializer=recipe.kernel_initializer,
        centred_input=recipe.centred_input,
        batch_norm=recipe.batch_norm,
        **recipe.ingredients,
    )


def _schedule(recipe, steps_per_epoch):
    """Return the learning rate of each step: a Keras schedule, or a constant."""
    rate = recipe.learning_rate
    main_steps = (recipe.epochs - recipe.refine_epochs) * steps_per_epoch
    if recipe.schedule == "cosine":
        warmup = recipe.warmup_epochs * steps_per_epoch
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else rate,
            max(1, main_steps - warmup),
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    elif recipe.schedule == "linear":
        rate = keras.optimizers.schedules.PolynomialDecay(
            rate, main_steps, 0.0, power=1.0
        )
    if recipe.refine_epochs:
        refine_steps = recipe.refine_epochs * steps_per_epoch
        rate = Refined(rate, main_steps, recipe.refine_rate, refine_steps)
    return rate


def _optimizer(recipe, rate):
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
        layers = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7")
        kernels = [f"{layer}/kernel" for layer in layers]
        optimizer = optimizers.Muon(rate, orthogonal=kernels, **average)
    elif recipe.optimizer == "adamw":
        decay = recipe.weight_decay
        optimizer = keras.optimizers.AdamW(rate, weight_decay=decay, **average)
    else:
        optimizer = keras.optimizers.Adam(rate, **average)
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def prepare_training(model):
    """Make the variables that training adds to a network.

    Else TensorFlow makes them in the first step, and compiles that twice.
    """
    if keras.backend.backend() != "tensorflow":
        return
    if not model.optimizer.built:  # by a checkpoint
        model.optimizer.build(model.trainable_variables)
    answers = np.zeros((1, model.output_shape[-1]), "float32")
    model.compute_metrics(None, answers, answers)
    model.reset_metrics()


def whiten_stem(model, images):
    """Set conv1 from the first images if it is whitened; else read no image."""
    if isinstance(model.get_layer("conv1"), models.WhitenedConv2D):
        models.whiten(model, np.asarray(images[:5000]))
