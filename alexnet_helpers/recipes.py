"""Recipes: everything that decides how a network trains, as data."""

import dataclasses
import json

from alexnet_helpers import checks
from alexnet_helpers.augmentation import check_augmentation
from alexnet_helpers.variants import check_network


class _Frozen(dict):
    """A dict that does not change any more, and so can be shared by recipes and be the key of another."""

    def __hash__(self):
        return hash(frozenset(self.items()))

    def __reduce__(self):  # copies and pickles are made from a plain dict
        return _Frozen, (dict(self),)

    def _refuse(self, *_, **__):
        raise TypeError(
            "a recipe does not change: make another with dataclasses.replace(recipe,"
            " ingredients={...})"
        )

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = (
        update
    ) = _refuse


def _frozen(value):
    """Return dicts and lists, at any depth, in a form that does not change."""
    if isinstance(value, dict):
        return _Frozen((key, _frozen(part)) for key, part in value.items())
    return (
        tuple(_frozen(part) for part in value)
        if isinstance(value, (list, tuple))
        else value
    )


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides how a network trains, as data.

    `learning_rate` is the largest of the schedule: "constant" keeps it, "cosine" climbs to it over
    `warmup_epochs` and falls to 0 along half a cosine, "linear" falls to 0 in a straight line. With
    `all_images` the network learns from the validation images as well, and is not validated.
    `weight_decay` is decoupled: a step takes away learning rate times `weight_decay` times the
    weight (kernels only). `augmentation` names some of `AUGMENTATION_NAMES`, applied in this order.
    The other arguments of the network, its `ingredients` among them, are those of
    `models.alexnet_cifar10`.

    "sgd" is stochastic gradient descent with the paper's momentum of 0.9 (section 5); with `nesterov`
    the gradient counts where the momentum leads (Sutskever et al., 2013). "muon" is the optimizer of
    `optimizers.Muon`, for the variant "today". With `averaging` above 0, the network that is validated
    and returned has for each weight a running average, of which a step changes the part 1 -
    `averaging` (Polyak and Juditsky, 1992). The last `refine_epochs` of the epochs begin anew at
    `refine_rate`, fall to 0 along half a cosine and erase nothing, so that the network gets used to
    images as they are (Touvron et al., arXiv:1906.06423).

    Raises
    ------
    ValueError : for a field out of range, or one that would have no effect beside the others.
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


def _check_fields(recipe):
    """Return the fields of a recipe, each checked by itself and in the form in which it is kept."""
    if not isinstance(recipe.summary, str):
        checks.refuse("summary", "a text", recipe.summary)
    fields = {
        "name": checks.file_name("name", recipe.name),
        "optimizer": checks.choice(
            "optimizer", recipe.optimizer, ("adam", "adamw", "sgd", "muon")
        ),
        "learning_rate": checks.number("learning_rate", recipe.learning_rate, above=0),
        "schedule": checks.choice(
            "schedule", recipe.schedule, ("constant", "cosine", "linear")
        ),
        "weight_decay": checks.number("weight_decay", recipe.weight_decay, lowest=0),
        "averaging": checks.number("averaging", recipe.averaging, lowest=0, below=1),
        "label_smoothing": checks.number(
            "label_smoothing", recipe.label_smoothing, lowest=0, below=1
        ),
        "augmentation": check_augmentation(recipe.augmentation),
        "refine_rate": checks.number("refine_rate", recipe.refine_rate, lowest=0),
        "all_images": checks.flag("all_images", recipe.all_images),
        "nesterov": checks.flag("nesterov", recipe.nesterov),
    }
    for name, lowest in {
        "batch_size": 1,
        "epochs": 1,
        "warmup_epochs": 0,
        "refine_epochs": 0,
    }.items():
        fields[name] = checks.integer(name, getattr(recipe, name), lowest)
    return fields | _check_network_fields(recipe)


def _check_network_fields(recipe):
    """Return the fields that make the network, checked as `models.alexnet_cifar10` does."""
    if not isinstance(recipe.ingredients, dict):
        checks.refuse(
            "ingredients",
            "a dict of arguments of models.alexnet_cifar10",
            recipe.ingredients,
        )
    names = ("width", "kernel_initializer", "centred_input", "batch_norm")
    for name in ("variant", *names):
        if getattr(recipe, name) is None and name != "batch_norm":
            checks.refuse(name, "given", None)
    given = {name: getattr(recipe, name) for name in names}
    network = check_network(recipe.variant, **given, **recipe.ingredients)
    for name in ("kernel_initializer", "ingredients"):
        try:
            json.dumps(getattr(recipe, name), allow_nan=False)
        except (
            TypeError,
            ValueError,
            RecursionError,
        ):  # a recipe is kept in a file beside its checkpoints
            checks.refuse(
                name, "made of texts, numbers, lists and dicts", getattr(recipe, name)
            )
    fields = {name: network[name] for name in ("variant", "width", "centred_input")}
    fields["batch_norm"] = None if recipe.batch_norm is None else network["batch_norm"]
    return fields | {
        name: _frozen(getattr(recipe, name))
        for name in ("kernel_initializer", "ingredients")
    }


def _check_combination(recipe):
    """Refuse fields that another one would leave without effect."""
    if recipe.weight_decay and recipe.optimizer == "adam":
        checks.refuse(
            "weight_decay",
            '0 with optimizer="adam" (only "adamw" and "sgd" decay)',
            recipe.weight_decay,
        )
    if (
        recipe.weight_decay and recipe.optimizer == "muon"
    ):  # which scales each kernel to one size instead
        checks.refuse("weight_decay", '0 with optimizer="muon"', recipe.weight_decay)
    if recipe.nesterov and recipe.optimizer != "sgd":
        checks.refuse("nesterov", 'False without optimizer="sgd"', True)
    if recipe.optimizer == "muon" and recipe.variant != "today":
        checks.refuse("optimizer", "muon with the variant today only", recipe.optimizer)
    if recipe.warmup_epochs and recipe.schedule != "cosine":
        checks.refuse(
            "warmup_epochs",
            f'0 with schedule="{recipe.schedule}"',
            recipe.warmup_epochs,
        )
    if recipe.warmup_epochs + recipe.refine_epochs >= recipe.epochs:
        given = f"{recipe.warmup_epochs} and {recipe.refine_epochs}"
        raise ValueError(
            f"warmup_epochs and refine_epochs must be fewer than epochs={recipe.epochs}"
            f" together, got {given}"
        )
    if (recipe.refine_rate > 0) != (recipe.refine_epochs > 0):
        checks.refuse(
            "refine_rate",
            "a positive number with refine_epochs, else 0",
            recipe.refine_rate,
        )


COMMON = Recipe(
    "tutorial",
    "as many tutorials write it, without their rotation",
    augmentation=("shift", "flip"),
)
AS_WRITTEN = dataclasses.replace(
    COMMON,
    name="as_written",
    summary=(
        "as many tutorials write it: rotation, shifts and flip, Adam at 0.001, 50"
        " epochs"
    ),
    augmentation=("rotate_and_shift", "flip"),
)
REPAIRED = Recipe(
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
MODERN = dataclasses.replace(
    PAPER,
    name="modern",
    summary=(
        "the same with batch normalization, He weights, label smoothing, erased"
        " squares, averaging and refining"
    ),
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
# One of the paper's towers, in as many epochs as two CPU cores train in an hour or a little more.
PAPER_HALF = dataclasses.replace(PAPER, name="paper_half", width=0.5, epochs=24)
MODERN_HALF = dataclasses.replace(MODERN, name="modern_half", width=0.5, epochs=44)
# Repaired once more, with the weights averaged: three seeds were run.
REPAIRED_AVERAGED = dataclasses.replace(
    REPAIRED,
    name="repaired",
    summary=(
        "the tutorials' layers with initial weights, optimizer, schedule, augmentation"
        " and averaging repaired"
    ),
    averaging=0.999,
    augmentation=("shift_reflected_wide", "flip", "erase"),
    epochs=50,
)
# The paper cuts its patches out of a larger image, so it never shows the black border of `shift`.
PAPER_REFLECTED = dataclasses.replace(
    PAPER_HALF,
    name="paper_half_reflected",
    epochs=40,
    augmentation=("shift_reflected_wide", "flip"),
)
# Chosen on validation images among the four; the last run learns from all 50,000 training images.
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
TODAY_ALL = dataclasses.replace(
    TODAY, name="today_all", summary="the same on all training images", all_images=True
)
_nothing_erased = {"augmentation": ("shift_reflected", "alternate_flip")}
TODAY_CHOICES = tuple(
    dataclasses.replace(TODAY, name=f"today_{name}", **_nothing_erased, **changes)
    for name, changes in {
        "nothing_erased": {"summary": "the recipe of today without erased squares"},
        "pools_2x2": {
            "summary": "without erased squares, and with pools that do not overlap",
            "ingredients": {"pool": 2},
        },
        "half_rate": {
            "summary": "without erased squares, at half the rate",
            "learning_rate": 0.05,
        },
    }.items()
)
TODAY_SHORT = dataclasses.replace(
    TODAY,
    name="today_short",
    summary=(
        "a first trial in six epochs: pools that do not overlap, ReLU, twice the rate,"
        " nothing erased"
    ),
    ingredients={"pool": 2, "activation": "relu"},
    learning_rate=0.2,
    epochs=6,
    **_nothing_erased,
)
_recipes = (COMMON, AS_WRITTEN, REPAIRED, PAPER, MODERN, PAPER_HALF, MODERN_HALF)
_recipes += (
    REPAIRED_AVERAGED,
    PAPER_REFLECTED,
    TODAY,
    TODAY_ALL,
    *TODAY_CHOICES,
    TODAY_SHORT,
)
RECIPES = {recipe.name: recipe for recipe in _recipes}


def find_recipe(recipe):
    """Return a recipe by its name, or the one that was given."""
    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, str) or recipe not in RECIPES:
        checks.refuse("recipe", f"a Recipe, or one of {', '.join(RECIPES)}", recipe)
    return RECIPES[recipe]
