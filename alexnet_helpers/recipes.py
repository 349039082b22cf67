"""Recipes: everything that decides how a network trains, as data.

To add one, write it below the others, most simply as a change to one of them, and enter
it in `RECIPES`.
"""

import dataclasses
import json

from alexnet_helpers import checks
from alexnet_helpers.augmentation import check_augmentation
from alexnet_helpers.variants import check_network


class _Frozen(dict):
    """A dict that does not change, so that recipes can share it."""

    def __hash__(self):
        return hash(frozenset(self.items()))

    def __reduce__(self):  # copies and pickles are made from a plain dict
        return _Frozen, (dict(self),)

    def _refuse(self, *_, **__):
        raise TypeError(
            "a recipe does not change: make another with dataclasses.replace(recipe,"
            " ingredients={...})"
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


def _frozen(value):
    """Return dicts and lists, at any depth, in a form that does not change."""
    if isinstance(value, dict):
        return _Frozen((key, _frozen(part)) for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(part) for part in value)
    return value


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides how a network trains.

    A recipe does not change: `dataclasses.replace` makes another one. Fields that are
    out of range, or have no effect given the others, are refused.

    Parameters
    ----------
    name : str
        It names the file of results.
    summary : str
    variant, width, kernel_initializer, centred_input, batch_norm
        The network: see `models.alexnet_cifar10`.
    optimizer : str
        "adam", "adamw", "sgd" with the paper's momentum of 0.9 (section 5), or "muon",
        the optimizer of `optimizers.Muon`, for the variant "today".
    nesterov : bool
        For "sgd": take the gradient where the momentum leads (Sutskever et al., 2013).
    learning_rate : float
        The largest of the schedule.
    schedule : str
        "constant"; "cosine", which climbs for `warmup_epochs` and falls to 0 along half
        a cosine; or "linear", which falls to 0 in a straight line.
    warmup_epochs : int
    weight_decay : float
        Each step subtracts learning rate times `weight_decay` times the weight from
        every weight of a kernel.
    averaging : float
        Above 0, the network that is validated and returned has a running average of
        each weight; a step changes 1 - `averaging` of it (Polyak and Juditsky, 1992).
    ingredients : dict
        More arguments of `models.alexnet_cifar10`.
    label_smoothing : float
    augmentation : tuple of str
        Some of `augmentation.AUGMENTATION_NAMES`, applied in this order.
    batch_size, epochs : int
    refine_epochs : int
        The last epochs begin again at `refine_rate`, fall to 0 along half a cosine and
        erase nothing, so that the network gets used to images as they are (Touvron et
        al., arXiv:1906.06423).
    refine_rate : float
    all_images : bool
        Whether to learn from the validation images as well, and not to validate.

    Examples
    --------
    >>> slow = dataclasses.replace(TUTORIAL, name="slow", learning_rate=1e-4)
    >>> slow.learning_rate, slow.batch_size
    (0.0001, 64)
    """

    name: str
    summary: str
    variant: str = "tutorial"
    width: float = 1.0
    kernel_initializer: str = "glorot_uniform"
    centred_input: bool = False
    batch_norm: bool | None = None
    optimizer: str = "adam"
    nesterov: bool = False
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup_epochs: int = 0
    weight_decay: float = 0.0
    averaging: float = 0.0
    ingredients: dict = dataclasses.field(default_factory=dict)
    label_smoothing: float = 0.0
    augmentation: tuple = ()
    batch_size: int = 64
    epochs: int = 50
    refine_epochs: int = 0
    refine_rate: float = 0.0
    all_images: bool = False

    def __post_init__(self):
        for name, value in _check_fields(self).items():
            object.__setattr__(self, name, value)
        _check_combination(self)


# The range of each number, as `checks.number` and `checks.integer` take it.
_NUMBERS = {
    "learning_rate": {"above": 0},
    "weight_decay": {"lowest": 0},
    "averaging": {"lowest": 0, "below": 1},
    "label_smoothing": {"lowest": 0, "below": 1},
    "refine_rate": {"lowest": 0},
}
_INTEGERS = {"batch_size": 1, "epochs": 1, "warmup_epochs": 0, "refine_epochs": 0}
_CHOICES = {
    "optimizer": ("adam", "adamw", "sgd", "muon"),
    "schedule": ("constant", "cosine", "linear"),
}


def _check_fields(recipe):
    """Return the fields of a recipe, each checked by itself."""
    if not isinstance(recipe.summary, str):
        checks.refuse("summary", "a text", recipe.summary)
    fields = {
        "augmentation": check_augmentation(recipe.augmentation),
        "name": checks.file_name("name", recipe.name),
    }
    for name, allowed in _CHOICES.items():
        fields[name] = checks.choice(name, getattr(recipe, name), allowed)
    for name, limits in _NUMBERS.items():
        fields[name] = checks.number(name, getattr(recipe, name), **limits)
    for name in ("all_images", "nesterov"):
        fields[name] = checks.flag(name, getattr(recipe, name))
    for name, lowest in _INTEGERS.items():
        fields[name] = checks.integer(name, getattr(recipe, name), lowest)
    return fields | _check_network_fields(recipe)


def _check_network_fields(recipe):
    """Return the fields that make the network, checked as the network does."""
    if not isinstance(recipe.ingredients, dict):
        needed = "a dict of arguments of models.alexnet_cifar10"
        checks.refuse("ingredients", needed, recipe.ingredients)
    names = ("width", "kernel_initializer", "centred_input", "batch_norm")
    for name in ("variant", *names):
        if getattr(recipe, name) is None and name != "batch_norm":
            checks.refuse(name, "given", None)
    given = {name: getattr(recipe, name) for name in names}
    network = check_network(recipe.variant, **given, **recipe.ingredients)
    fields = {name: network[name] for name in ("variant", "width", "centred_input")}
    fields["batch_norm"] = None if recipe.batch_norm is None else network["batch_norm"]
    for name in ("kernel_initializer", "ingredients"):
        value = getattr(recipe, name)
        try:  # it is kept in a file, see `checkpoints`
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            checks.refuse(name, "made of texts, numbers, lists and dicts", value)
        fields[name] = _frozen(value)
    return fields


def _check_combination(recipe):
    """Refuse fields that another one would leave without effect."""
    decay, optimizer = recipe.weight_decay, recipe.optimizer
    if decay and optimizer == "adam":
        needed = '0 with optimizer="adam" (only "adamw" and "sgd" decay)'
        checks.refuse("weight_decay", needed, decay)
    if decay and optimizer == "muon":  # which scales each kernel to one size instead
        checks.refuse("weight_decay", '0 with optimizer="muon"', decay)
    if recipe.nesterov and recipe.optimizer != "sgd":
        checks.refuse("nesterov", 'False without optimizer="sgd"', True)
    if optimizer == "muon" and recipe.variant != "today":
        checks.refuse("optimizer", "muon with the variant today only", optimizer)
    warmup, refine = recipe.warmup_epochs, recipe.refine_epochs
    if warmup and recipe.schedule != "cosine":
        checks.refuse("warmup_epochs", f'0 with schedule="{recipe.schedule}"', warmup)
    if warmup + refine >= recipe.epochs:
        raise ValueError(
            f"warmup_epochs and refine_epochs must be fewer than epochs={recipe.epochs}"
            f" together, got {warmup} and {refine}"
        )
    if (recipe.refine_rate > 0) != (refine > 0):
        needed = "a positive number with refine_epochs, else 0"
        checks.refuse("refine_rate", needed, recipe.refine_rate)


TUTORIAL = Recipe(
    "tutorial",
    "as many tutorials write it, without their rotation",
    augmentation=("shift", "flip"),
)
AS_WRITTEN = dataclasses.replace(
    TUTORIAL,
    name="as_written",
    summary="as many tutorials write it: rotation, shifts and flip, Adam at 0.001,"
    " 50 epochs",
    augmentation=("rotate_and_shift", "flip"),
)
TUTORIAL_REPAIRED = Recipe(
    "tutorial_repaired",
    "the tutorials' layers with initial weights, optimizer, schedule and augmentation"
    " repaired",
    kernel_initializer="he_normal",
    centred_input=True,
    optimizer="adamw",
    learning_rate=5e-4,
    schedule="cosine",
    warmup_epochs=2,
    weight_decay=0.5,
    label_smoothing=0.1,
    augmentation=("shift", "flip", "erase"),
    batch_size=128,
    epochs=40,
)
# Repaired once more, with the weights averaged: three seeds were run.
REPAIRED = dataclasses.replace(
    TUTORIAL_REPAIRED,
    name="repaired",
    summary="the tutorials' layers with initial weights, optimizer, schedule,"
    " augmentation and averaging repaired",
    averaging=0.999,
    augmentation=("shift_reflected_wide", "flip", "erase"),
    epochs=50,
)
PAPER = Recipe(
    "paper",
    "the paper's ideas fitted to 32 x 32: normalization of responses, overlapping"
    " pools, dropout, momentum",
    variant="paper",
    centred_input=True,
    optimizer="sgd",
    learning_rate=0.04,
    schedule="cosine",
    warmup_epochs=1,
    augmentation=("shift", "flip"),
    batch_size=128,
    epochs=80,
)
# One of the paper's towers, for as long as two CPU cores train in about an hour.
PAPER_HALF = dataclasses.replace(PAPER, name="paper_half", width=0.5, epochs=24)
# The paper crops a larger image, so it never shows the black border of `shift`.
PAPER_HALF_REFLECTED = dataclasses.replace(
    PAPER_HALF,
    name="paper_half_reflected",
    epochs=40,
    augmentation=("shift_reflected_wide", "flip"),
)
MODERN = dataclasses.replace(
    PAPER,
    name="modern",
    summary="the same with batch normalization, He weights, label smoothing, erased"
    " squares, averaging and refining",
    variant="modern",
    kernel_initializer="he_normal",
    learning_rate=0.1,
    warmup_epochs=2,
    weight_decay=0.005,
    averaging=0.995,
    label_smoothing=0.1,
    augmentation=("shift", "flip", "erase_wide"),
    epochs=100,
    refine_epochs=4,
    refine_rate=0.01,
)
MODERN_HALF = dataclasses.replace(MODERN, name="modern_half", width=0.5, epochs=44)
# Chosen among the four TODAY_... on validation images.
TODAY = Recipe(
    "today",
    "five convolutions, three pools, three dense layers, and everything else as one"
    " would do it today",
    variant="today",
    centred_input=True,
    optimizer="muon",
    learning_rate=0.1,
    schedule="linear",
    label_smoothing=0.2,
    augmentation=("shift_reflected", "alternate_flip", "erase"),
    batch_size=500,
    epochs=24,
)
# It learns from all 50,000 training images.
TODAY_ALL = dataclasses.replace(
    TODAY, name="today_all", summary="the same on all training images", all_images=True
)
TODAY_NOTHING_ERASED = dataclasses.replace(
    TODAY,
    name="today_nothing_erased",
    summary="the recipe of today without erased squares",
    augmentation=("shift_reflected", "alternate_flip"),
)
TODAY_POOLS_2X2 = dataclasses.replace(
    TODAY_NOTHING_ERASED,
    name="today_pools_2x2",
    summary="without erased squares, and with pools that do not overlap",
    ingredients={"pool": 2},
)
TODAY_HALF_RATE = dataclasses.replace(
    TODAY_NOTHING_ERASED,
    name="today_half_rate",
    summary="without erased squares, at half the rate",
    learning_rate=0.05,
)
TODAY_SHORT = dataclasses.replace(
    TODAY_NOTHING_ERASED,
    name="today_short",
    summary="a first trial in six epochs: pools that do not overlap, ReLU, twice the"
    " rate, nothing erased",
    ingredients={"pool": 2, "activation": "relu"},
    learning_rate=0.2,
    epochs=6,
)


def _by_name(recipes):
    """Return a dict of recipes; two of one name would write over each other's rows."""
    table = {}
    for recipe in recipes:
        if recipe.name in table:
            needed = "different from that of every other recipe"
            checks.refuse("the name of a recipe", needed, recipe.name)
        table[recipe.name] = recipe
    return table


RECIPES = _by_name(
    [
        TUTORIAL,
        AS_WRITTEN,
        TUTORIAL_REPAIRED,
        PAPER,
        MODERN,
        PAPER_HALF,
        MODERN_HALF,
        REPAIRED,
        PAPER_HALF_REFLECTED,
        TODAY,
        TODAY_ALL,
        TODAY_NOTHING_ERASED,
        TODAY_POOLS_2X2,
        TODAY_HALF_RATE,
        TODAY_SHORT,
    ]
)


def find_recipe(recipe):
    """Return a recipe by its name, or the one that is given.

    >>> find_recipe("paper_half").epochs
    24
    """
    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, str) or recipe not in RECIPES:
        checks.refuse("recipe", f"a Recipe, or one of {', '.join(RECIPES)}", recipe)
    return RECIPES[recipe]
