"""Figures: the display of the course, and what each plot draws."""

import io
import itertools

import matplotlib as mpl
import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from alexnet_helpers import plotting
from alexnet_helpers.geometry import Layer, alexnet_layers, layer_table
from alexnet_helpers.plotting import (
    COLORS,
    explore,
    plot_architecture,
    plot_filters,
    set_style,
    show,
)


@pytest.fixture(autouse=True)
def _style():
    set_style()
    yield
    plt.close("all")
    mpl.rcdefaults()


@pytest.fixture
def displayed(monkeypatch):
    """Collect what is displayed as (data, metadata)."""
    shown = []
    for module in (plotting.style, plotting.sliders):
        monkeypatch.setattr(module, "display", lambda data, metadata=None, raw=False: shown.append((data, metadata)))
    return shown


def pixels(png):
    return mpl.image.imread(io.BytesIO(png))


def test_style_is_readable_and_starts_afresh():
    mpl.rcParams["font.size"] = 3
    mpl.rcParams["lines.linewidth"] = 40
    set_style()
    assert mpl.rcParams["font.size"] >= 9
    assert mpl.rcParams["lines.linewidth"] == mpl.rcParamsDefault["lines.linewidth"]
    assert mpl.rcParams["figure.figsize"][0] * plotting.style.DPI <= 800
    assert mpl.rcParams["figure.facecolor"] == mpl.rcParams["savefig.facecolor"] == "white"


# How protanopes and deuteranopes see linear red, green, blue (Machado, Oliveira, Fernandes 2009, severity 1).
COLOUR_BLIND = {
    "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}


@pytest.mark.parametrize("kind", COLOUR_BLIND)
def test_colours_stay_apart_for_colour_blind_readers(kind):
    linear = np.array([mpl.colors.to_rgb(color) for color in COLORS.values()]) ** 2.2
    seen = np.clip(linear @ np.array(COLOUR_BLIND[kind]).T, 0, 1) ** (1 / 2.2)
    apart = np.linalg.norm(seen[:, None] - seen, axis=-1) + 9 * np.eye(len(seen))
    assert apart.min() > 0.1, [list(COLORS)[i] for i in np.unravel_index(apart.argmin(), apart.shape)]


def test_show_stores_a_white_png_with_alt_text_and_closes_the_figure(displayed):
    figure, axes = plt.subplots(figsize=(4, 2), facecolor="black")
    axes.plot([1, 2])
    show(figure, "A line")
    ((data, metadata),) = displayed
    assert data["text/plain"] == "A line"
    assert metadata["image/png"]["alt"] == "A line"
    image = pixels(data["image/png"])
    assert image.shape[1] <= 450
    assert (image[0, 0] == 1).all()
    assert image.min() < 1
    assert not plt.fignum_exists(figure.number)


@pytest.mark.parametrize("alt", ["", "  ", None, 3])
def test_show_wants_an_alt_text(displayed, alt):
    with pytest.raises(ValueError, match=r"^alt must be a text that says what the figure shows, got "):
        show(plt.figure(), alt)
    assert displayed == []
    assert plt.get_fignums() == []


@pytest.mark.parametrize("figure", [None, "a figure", plt.Figure, 3])
def test_show_wants_a_figure(displayed, figure):
    with pytest.raises(ValueError, match=r"^figure must be a Matplotlib figure, got "):
        show(figure, "A line")
    assert displayed == []


def test_show_leaves_no_figure_open_that_cannot_be_drawn(displayed):
    figure = plt.figure()
    figure.suptitle(r"$\nosuchsymbol$")
    with pytest.raises(ValueError, match="nosuchsymbol"):
        show(figure, "A formula")
    assert displayed == []
    assert plt.get_fignums() == []


@pytest.fixture
def explored(monkeypatch, displayed):
    """Call `explore` and return its box of sliders and picture, without a kernel."""
    import ipywidgets

    boxes = []
    build = ipywidgets.VBox

    def remember(children):
        boxes.append(build(children))
        return boxes[-1]

    monkeypatch.setattr(ipywidgets, "VBox", remember)

    def run(draw, **sliders):
        explore(draw, **sliders)
        return boxes[-1].children

    return run


def test_explore_draws_at_once_and_once_a_move(explored, displayed):
    calls = []

    def draw(**values):
        calls.append(values)
        figure, axes = plt.subplots()
        axes.plot(list(range(values["kernel_size"])))
        return figure

    *controls, picture = explored(draw, kernel_size=(1, 9, 2, 3), rate=(0.0, 1.0, 0.1, 0.5), rounding=["floor", "ceil"])
    assert calls == [{"kernel_size": 3, "rate": 0.5, "rounding": "floor"}]
    first = picture.value
    assert [control.description for control in controls] == ["kernel size", "rate", "rounding"]
    controls[0].value = 5
    controls[2].value = "ceil"
    assert calls[1:] == [
        {"kernel_size": 5, "rate": 0.5, "rounding": "floor"},
        {"kernel_size": 5, "rate": 0.5, "rounding": "ceil"},
    ]
    assert picture.value != first
    assert pixels(picture.value).shape[2] == 4
    assert plt.get_fignums() == []
    ((data, _),) = displayed
    assert data["text/plain"] == "Sliders for kernel_size, rate, rounding: run this cell to move them."
    assert "model_id" in data["application/vnd.jupyter.widget-view+json"]


def test_explore_shows_what_a_bad_value_breaks(explored):
    def draw(kernel):
        if kernel > 2:
            raise ValueError(f"kernel={kernel}: allowed is at most 2")
        return plt.figure()

    control, picture = explored(draw, kernel=(1, 3, 1, 1))
    before = picture.value
    control.value = 3
    assert picture.value != before
    assert pixels(picture.value).shape[0] < 200
    assert plt.get_fignums() == []


@pytest.mark.parametrize("error", [ValueError("5 $ and 6 $ are too much"), ZeroDivisionError()])
def test_explore_leaves_no_figure_open_that_draw_began(explored, error):
    def draw(kernel):
        plt.figure()
        if kernel > 1:
            raise error
        return plt.figure()

    control, picture = explored(draw, kernel=(1, 9, 1, 1))
    before = picture.value
    for kernel in (2, 3, 4):
        if isinstance(error, ValueError):
            control.value = kernel
        else:
            with pytest.raises(ZeroDivisionError):
                control.value = kernel
        assert plt.get_fignums() == []
    assert (picture.value != before) == isinstance(error, ValueError)


def test_explore_leaves_the_figures_of_others_alone(explored):
    other = plt.figure()
    explored(lambda kernel: plt.figure(), kernel=(1, 9, 1, 1))
    assert plt.get_fignums() == [other.number]


def test_sliders_wait_until_they_are_let_go(explored):
    whole, broken, _ = explored(lambda a, b: plt.figure(), a=(1, 9, 1, 1), b=(0, 1, 0.5, 0))
    assert [whole.continuous_update, broken.continuous_update] == [False, False]
    assert [type(control).__name__ for control in (whole, broken)] == ["IntSlider", "FloatSlider"]
    assert (whole.min, whole.max, whole.step, whole.value) == (1, 9, 1, 1)


def test_choices_may_have_names(explored):
    seen = []
    control, _ = explored(lambda rate: seen.append(rate) or plt.figure(), rate=[("none", 0), ("half", 0.5)])
    control.label = "half"
    assert seen == [0, 0.5]


def no_figure(size):
    """Return nothing, as a function does that only draws."""


@pytest.mark.parametrize(
    ("draw", "sliders", "message"),
    [
        (int, {"size": (1, 9, 1, 1)}, "draw must be a function of size, got the class int"),
        (None, {"size": (1, 9, 1, 1)}, "draw must be a function, got None"),
        (no_figure, {"sizes": (1, 9, 1, 1)}, "draw must be a function of sizes, got the function no_figure"),
        (no_figure, {}, "sliders must be one or more, such as size=.1, 9, 1, 3., got {}"),
        (no_figure, {"size": (1, 9, 1, 1)}, "what draw returns must be a Matplotlib figure, got None"),
        (no_figure, {"size": 3}, "size must be .lowest, highest, step, start. or a list of .*, got 3"),
        (no_figure, {"size": "floor"}, "size must be .lowest, highest, step, start. or a list of .*, got 'floor'"),
        (no_figure, {"size": (1, 9, 1)}, r"size must be .lowest, highest, step, start. or .*, got \(1, 9, 1\)"),
        (no_figure, {"size": []}, r"size must be .* a list of texts or numbers to choose from, got \[\]"),
        (no_figure, {"size": [np.ones(2)]}, "size must be .* a list of texts or numbers to choose from, got "),
        (no_figure, {"size": [np.nan, 1]}, r"size must be .* a list of texts or numbers .*, got \[nan, 1\]"),
        (no_figure, {"size": ("a", "b", "c", "d")}, "the lowest value of size must be a number from .*, got 'a'"),
        (no_figure, {"size": (1, 9, 1, 10)}, r"size must be .* with the start between .*, got \(1, 9, 1, 10\)"),
        (no_figure, {"size": (9, 1, 1, 5)}, r"size must be .* got \(9, 1, 1, 5\)"),
        (no_figure, {"size": (1, 9, 0, 5)}, r"size must be .* a step that fits, got \(1, 9, 0, 5\)"),
        (no_figure, {"size": (1, 9, 1, True)}, "the start of size must be an integer from .*, got True"),
        (no_figure, {"size": (1, 9, 1.0, np.nan)}, "the start of size must be a number from .*, got nan"),
        (no_figure, {"size": (1, 10**30, 1, 1)}, "the highest value of size must be an integer from .* to 1000000000"),
    ],
)
def test_explore_says_what_is_wrong(displayed, draw, sliders, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        explore(draw, **sliders)
    assert displayed == []
    assert plt.get_fignums() == []


def drawn(figure):
    """Return what each of a figure's axes shows, as arrays."""
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes]


def wording(figure):
    """Return all texts of a figure's first axes."""
    return [text.get_text() for text in figure.axes[0].texts]


def test_filters_are_spread_over_all():
    figure = plot_filters(np.ones((3, 3, 3, 40)), filters=5, columns=3, titles=list("abcde"), title="A title")
    assert len(figure.axes) == 5 and figure._suptitle.get_text() == "A title" and figure.get_figwidth() == 8
    assert plotting.arguments.chosen("filters", 5, 40) == [0, 10, 20, 29, 39]
    assert plotting.arguments.chosen("filters", 50, 4) == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", [np.array, pd.Series, tuple, iter])
def test_titles_may_be_an_array(kind):
    filters, images = np.ones((3, 3, 3, 2)), np.ones((2, 4, 4, 3))
    for figure in (
        plot_filters(filters, titles=kind(["cat", "dog"])),
        plotting.plot_images(images, titles=kind(["cat", "dog"])),
    ):
        assert [axes.get_title() for axes in figure.axes][:2] == ["cat", "dog"]
    assert plotting.plot_images(images, titles=np.array([7, 8])).axes[1].get_title() == "8"


def test_filters_that_see_colours_are_drawn_in_colour_around_grey():
    weights = np.random.default_rng(2).normal(size=(5, 5, 3, 6)) * 10.0 ** np.arange(-3, 3)
    figure = plot_filters(weights, columns=4)
    assert len(figure.axes) == 6
    for shown, channel in zip(drawn(figure), range(6), strict=True):
        assert shown.shape == (5, 5, 3)
        assert max(shown.max(), 1 - shown.min()) == 1
        np.testing.assert_array_equal(shown > 0.5, weights[..., channel] > 0)
        np.testing.assert_allclose(shown - 0.5, weights[..., channel] / np.abs(weights[..., channel]).max() / 2)


def test_filters_may_be_of_bytes():
    weights = np.array([-128, 127, 0], np.int8).reshape(1, 3, 1, 1)
    np.testing.assert_allclose(drawn(plot_filters(weights))[0], [[0, 0.5 + 127 / 256, 0.5]], atol=1e-6)


def test_filters_of_other_channels_are_drawn_one_channel_at_a_time():
    weights = np.random.default_rng(3).normal(size=(3, 3, 8, 4))
    first, second = drawn(plot_filters(weights, filters=[1, 3], channel=5, titles=["a", "b"]))
    np.testing.assert_allclose(first - 0.5, weights[:, :, 5, 1] / np.abs(weights[:, :, 5, 1]).max() / 2)
    assert second.shape == (3, 3)
    assert (drawn(plot_filters(np.zeros((3, 3, 3, 1))))[0] == 0.5).all()


@pytest.mark.parametrize(
    ("weights", "named", "message"),
    [
        (np.zeros((3, 3, 3)), {}, r"weights must be .* height x width x channels x filters, got an array of shape"),
        (np.zeros((3, 3, 3, 0)), {}, r"weights must be .*, got an array of shape \(3, 3, 3, 0\)"),
        (np.full((3, 3, 3, 1), np.inf), {}, "weights must be finite numbers, got NaN or infinity"),
        ([[[1], [1, 2]]], {}, "weights must be an array of numbers .*, got "),
        (np.ma.masked_less(np.ones((3, 3, 3, 4)), 0), {}, "weights must be an array of numbers .*, got a masked array"),
        (np.zeros((3, 3, 3, 4)), {"filters": [4]}, "filters must be an integer from 0 to 3, got 4"),
        (np.zeros((3, 3, 3, 4)), {"filters": [-1]}, "filters must be an integer from 0 to 3, got -1"),
        (np.zeros((3, 3, 3, 4)), {"filters": []}, r"filters must be numbers from 0 to 3, or how many .*, got \[\]"),
        (np.zeros((3, 3, 3, 4)), {"filters": 0}, "filters must be a positive integer, got 0"),
        (np.zeros((3, 3, 3, 4)), {"filters": "01"}, "filters must be numbers from 0 to 3, .*, got '01'"),
        (np.zeros((3, 3, 3, 4)), {"filters": True}, "filters must be numbers from 0 to 3, .*, got True"),
        (np.zeros((3, 3, 3, 4)), {"filters": [0.5]}, r"filters must be numbers from 0 to 3, .*, got \[0.5\]"),
        (np.zeros((3, 3, 3, 4)), {"filters": itertools.count()}, "filters must be numbers from 0 to 3, .*, got "),
        (np.zeros((1, 1, 3, 500)), {}, "filters must be numbers from 0 to 499, .* 400 at most, got 500"),
        (np.zeros((3, 3, 2, 4)), {"channel": 2}, "channel must be an integer from 0 to 1, got 2"),
        (np.zeros((3, 3, 2, 4)), {"channel": None}, "channel must be an integer from 0 to 1, got None"),
        (np.zeros((3, 3, 3, 4)), {"channel": 1}, "channel must be 0 for filters of three channels, .*, got 1"),
        (np.zeros((3, 3, 3, 4)), {"columns": 0}, "columns must be an integer from 1 to 16, got 0"),
        (np.zeros((3, 3, 3, 4)), {"columns": 17}, "columns must be an integer from 1 to 16, got 17"),
        (np.zeros((3, 3, 3, 4)), {"columns": True}, "columns must be an integer from 1 to 16, got True"),
        (np.zeros((3, 3, 3, 4)), {"titles": 7}, "titles must be 4 texts, one for each picture, got 7"),
        (np.zeros((3, 3, 3, 4)), {"title": 7}, "title must be a text or None, got 7"),
        (np.zeros((3, 3, 3, 4)), {"titles": "abcd"}, "titles must be 4 texts, one for each picture, got 'abcd'"),
    ],
)
def test_filters_say_what_is_wrong(weights, named, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        plot_filters(weights, **named)
    assert plt.get_fignums() == []


def block_sides(figure):
    """Return the (depth, height) of the front of every block and bar, from left to right."""
    patches = [patch for patch in figure.axes[0].patches if patch.get_alpha() is None]
    fronts = [patch.get_xy()[[0, 2]] for patch in patches[::3]]  # each is drawn as front, top, right face
    return [tuple(far - near) for near, far in sorted(fronts, key=lambda corners: corners[0][0])]


def test_architecture_is_drawn_to_scale():
    figure = plot_architecture()
    assert figure.get_size_inches()[0] == 8
    image, *maps = block_sides(figure)[:9]
    table = layer_table()
    for (depth, height), (side, _, channels) in zip(maps, table["output"].iloc[:8], strict=True):
        assert height / maps[0][1] == pytest.approx(side / 55)
        assert depth / maps[0][0] == pytest.approx(channels / 96)
    assert image[1] / maps[0][1] == pytest.approx(227 / 4 / 55)
    fc6, fc7, fc8 = block_sides(figure)[9:]
    assert fc6[1] == fc7[1] == pytest.approx(fc8[1] * 4.096)
    texts = wording(figure)
    assert texts[::2] == ["image", *table.index]
    assert texts[1::2][:4] == ["227×227\n×3\n(1/4 scale)", "55×55\n×96", "27×27\n×96", "27×27\n×256"]
    assert texts[-1] == "1,000"


@pytest.mark.parametrize("towers", [1, 2])
def test_architecture_stays_inside_the_figure(towers):
    figure = plot_architecture(alexnet_layers(towers))
    axes = figure.axes[0]
    patches = [patch.get_xy() for patch in axes.patches]
    corners = np.concatenate(patches)
    assert corners[:, 0].min() > 0
    assert corners[:, 0].max() < axes.get_xlim()[1]
    assert corners[:, 1].min() > axes.get_ylim()[0]
    assert corners[:, 1].max() < axes.get_ylim()[1]
    boxes = [text.get_window_extent() for text in axes.texts]
    for name in range(2):
        row = boxes[name::2]
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(row)), "labels overlap"
        assert row[0].x0 >= 0
        assert row[-1].x1 <= figure.bbox.x1


def test_two_towers_are_drawn_as_two_and_meet_where_the_paper_says():
    figure = plot_architecture(alexnet_layers(towers=2))
    assert len(block_sides(figure)) == 1 + 2 * 10 + 1
    assert "27×27\n2×128" in wording(figure)
    assert wording(figure)[-3:] == ["2×2,048", "fc8", "1,000"]
    crossing = [line for line in figure.axes[0].lines if line.get_color() == COLORS["vermillion"]]
    # conv3: four lines to each of its two blocks; fc6 and fc7: two; fc8, one block between the towers: two from each.
    assert len(crossing) == 4 * 2 + 2 * 2 + 2 * 2 + 2 * 2
    assert not [line for line in plot_architecture().axes[0].lines if line.get_color() == COLORS["vermillion"]]


def test_architecture_shows_a_photo_and_maps_on_its_faces():
    photo = np.zeros((20, 20, 3), np.uint8)
    photo[0, 0] = 255  # upper left
    figure = plot_architecture(faces={"image": photo, "conv1": np.eye(3)})
    picture, map_ = figure.axes[0].images
    assert picture.get_array().shape == (20, 20, 3)
    assert map_.get_array().shape == (3, 3)
    figure.canvas.draw()
    shot = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    height = shot.shape[0]
    lower_left, lower_right, _, upper_left = picture.get_transform().transform([(0, 0), (1, 0), (1, 1), (0, 1)])
    x, y = upper_left + 0.03 * (lower_right - lower_left) + 0.03 * (lower_left - upper_left)
    assert shot[height - 1 - int(y), int(x)].min() > 200, "the photo's upper left corner is white"
    x, y = lower_left + 0.1 * (lower_right - lower_left) + 0.1 * (upper_left - lower_left)
    assert shot[height - 1 - int(y), int(x)].max() < 50


def test_architecture_draws_other_networks():
    same = [layer._replace(padding="same") if layer.kind != "dense" else layer for layer in alexnet_layers()]
    figure = plot_architecture([*same[:-1], same[-1]._replace(units=10)], input_size=32)
    assert "1×1\n×256" in wording(figure)
    assert wording(plot_architecture([Layer("fc1", "dense", 10)], input_size=8, channels=1)) == [
        "image", "8×8\n×1", "fc1", "10"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "named", "message"),
    [
        (([],), {}, "layers must be 1 to 40 layers, got 0"),
        (([Layer(f"fc{i}", "dense", 1) for i in range(41)],), {}, "layers must be 1 to 40 layers, got 41"),
        (([Layer("conv1", "conv", 6, kernel=3, groups=3)],), {"channels": 6}, "layers must have 1 or 2 groups, got 3"),
        (([Layer("image", "dense", 6)],), {}, "layers must have other names than 'image', got 'image'"),
        (([Layer("conv1", "conv", 8, 3)] * 2,), {}, "layers must have different names, got 'conv1' twice"),
        ((None,), {}, "layers must be a list of geometry.Layer, got None"),
        ((), {"input_size": 20}, "conv2: kernel must be at most|pool"),
        ((), {"input_size": None}, "input_size must be an integer from 1 to 1000000, got None"),
        ((), {"channels": 10**30}, "channels must be an integer from 1 to 1000000, got 1000"),
        (([Layer("fc1", "dense", 10**400)],), {}, "units of fc1 must be an integer from 0 to 1000000, got 1000"),
        ((), {"faces": [np.zeros((3, 3))]}, "faces must be a dict from the name of a block to a photo or a map, got"),
        ((), {"faces": {"conv9": np.zeros((3, 3))}}, "the name of a face must be 'image', 'conv1', .*, got 'conv9'"),
        ((), {"faces": {"fc6": np.zeros((3, 3))}}, "the name of a face must be 'image', 'conv1', .*, got 'fc6'"),
        ((), {"faces": {"image": np.zeros((3, 3, 4))}}, r"faces\['image'\] must be a photo .*, got an array of shape"),
        ((), {"faces": {"conv1": np.zeros(3)}}, r"faces\['conv1'\] must be a photo .* or a map .*, got an array of"),
        ((), {"faces": {"conv1": [[np.nan]]}}, r"faces\['conv1'\] must be finite numbers, got NaN or infinity"),
        ((), {"faces": {"image": np.full((3, 3, 3), 99.0)}}, r"faces\['image'\] must be colours .* from 99 to 99"),
        ((), {"faces": {"image": np.full((3, 3, 3), 256)}}, r"faces\['image'\] must be colours .* from 256 to 256"),
    ],
)
def test_architecture_says_what_is_wrong(arguments, named, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        plot_architecture(*arguments, **named)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("of", [np.uint8, np.int64, float])
def test_a_photo_on_a_face_may_be_of_integers_or_of_fractions(of):
    photo = np.array([[[255, 51, 0]]]) / (255 if of is float else 1)
    (picture,) = plot_architecture(faces={"image": photo.astype(of)}).axes[0].images
    np.testing.assert_allclose(picture.get_array(), [[[1, 0.2, 0]]], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_plot_images_draws_each_image_in_its_colours(dtype):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 4, 4, 3)).astype(np.uint8)
    given = images if dtype == np.uint8 else (images / 255).astype(np.float32)
    figure = plotting.plot_images(given, titles=list("abcde"), columns=3)
    assert figure.get_figwidth() == 8
    assert [axes.get_title() for axes in figure.axes] == list("abcde")
    for axes, image in zip(figure.axes, images, strict=True):
        np.testing.assert_allclose(axes.images[0].get_array(), image / 255, atol=1e-6)
    assert len({axes.get_position().y0.round(6) for axes in figure.axes}) == 2


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.zeros((4, 4, 3), np.uint8),
            "an array of numbers .* N x height x width x 3, got an array of",
        ),
        (np.zeros((2, 4, 4, 1), np.uint8), "an array N x height x width x 3, got an array of shape .2, 4, 4, 1"),
        (np.zeros((0, 4, 4, 3), np.uint8), "an array of numbers .*, got an array of shape .0, 4, 4, 3"),
        (np.full((1, 4, 4, 3), 255.0), "colours from 0 to 255 as uint8, or from 0 to 1, got values from 255 to 255"),
        (np.full((1, 4, 4, 3), -0.1), "colours .*, got values from -0.1 to -0.1"),
        (np.full((1, 4, 4, 3), np.nan), "colours .*, got values from nan to nan"),
        (np.zeros((401, 1, 1, 3), np.uint8), r"at most 400 images, such as images\[:100\], got an array of shape .401"),
        ([np.zeros((1, 1, 3))] * 401, "at most 400 images, .*, got "),
        (None, "an array of numbers .*, got None"),
    ],
)
def test_plot_images_refuses_what_it_cannot_draw(images, message):
    with pytest.raises(ValueError, match=f"^images must be {message}"):
        plotting.plot_images(images)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    "titles", [["a"], "ab", ["a", None], 2, {"a", "b"}, np.array("ab"), pd.DataFrame(columns=["a", "b"])]
)
def test_plot_images_refuses_other_titles(titles):
    with pytest.raises(ValueError, match=r"^titles must be 2 texts, one for each picture, got "):
        plotting.plot_images(np.zeros((2, 4, 4, 3), np.uint8), titles=titles)
    assert plt.get_fignums() == []


def curves_of(*runs, **columns):
    """Return curves as `training.train` does, for (recipe, seed) runs of three epochs."""
    rows = {"epoch": [1, 2, 3], "loss": [2.0, 1.5, 1.0], "val_loss": [2.1, 1.8, 1.7], **columns}
    return pd.concat([pd.DataFrame({"recipe": recipe, "seed": seed} | rows) for recipe, seed in runs])


def test_plot_training_draws_training_and_validation_of_one_run():
    figure = plotting.plot_training(curves_of(("a", 0)), metrics=("loss",))
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["training", "validation"]
    assert [line.get_color() for line in axes.lines] == list(COLORS.values())[:2]
    assert [line.get_linestyle() for line in axes.lines] == ["-", "--"]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 2.0], [2, 1.5], [3, 1.0]])
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [2.1, 1.8, 1.7])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "loss")


def test_plot_training_gives_each_recipe_a_colour_and_names_it_once():
    runs = [("a", 0), ("a", 1), ("b", 0)]
    # A study knows the validation accuracy of the last step alone: no curve.
    figure = plotting.plot_training(curves_of(*runs, val_loss=[np.nan, np.nan, 1.7]), metrics=("loss", "epoch"))
    first, second = figure.axes
    colors = [line.get_color() for line in first.lines]
    assert len(first.lines) == len(second.lines) == 3
    assert colors[0] == colors[1] != colors[2]
    assert {line.get_linestyle() for line in first.lines} == {"-"}
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["a", "b"]


def test_plot_training_shows_a_single_epoch_as_a_point():
    curves = curves_of(("a", 0))[:1]
    assert [line.get_marker() for line in plotting.plot_training(curves, ("loss",)).axes[0].lines] == ["o", "o"]


def test_plot_training_draws_the_validation_curves_of_several_recipes_dashed():
    (axes,) = plotting.plot_training(curves_of(("a", 0), ("b", 0)), metrics=["loss"]).axes
    assert [line.get_linestyle() for line in axes.lines] == ["-", "--"] * 2
    colors = [line.get_color() for line in axes.lines]
    assert colors[0] == colors[1] != colors[2] == colors[3]


CURVES = curves_of(("a", 0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((CURVES,), "metrics must be a column of curves .recipe, seed, epoch, loss, val_loss., got 'accuracy'"),
        ((CURVES, "loss"), "metrics must be a list of 1 to 6 columns of curves, got 'loss'"),
        ((CURVES, ()), "metrics must be a list of 1 to 6 columns of curves, got"),
        ((CURVES, ["loss"] * 7), "metrics must be a list of 1 to 6 columns of curves, got"),
        ((CURVES, ["recipe"]), "curves must have numbers in the column 'recipe', got"),
        ((CURVES, ["loss"], "step"), "x must be a column of curves .recipe, .*, val_loss., got 'step'"),
        ((CURVES, ["loss"], None), "x must be a column of curves .recipe, .*, val_loss., got None"),
        ((CURVES.assign(epoch=np.nan), ["loss"]), "curves must have finite numbers in the column 'epoch', got NaN"),
        ((CURVES.assign(recipe=np.nan), ["loss"]), "curves must have a text or number in each row of 'recipe'"),
        ((CURVES.assign(seed=None), ["loss"]), "curves must have a text or number in each row of 'seed'"),
        ((CURVES.assign(val_loss="high"), ["loss"]), "curves must have numbers in the column 'val_loss', got"),
        ((CURVES[:0], ["loss"]), "curves must have a row or more, got 0 rows"),
        ((CURVES.drop(columns="seed"), ["loss"]), "curves must have the columns recipe, seed, got none named seed"),
        ((pd.concat([CURVES, CURVES], axis=1), ["loss"]), "curves must have columns of different names, got"),
        (({"loss": [1, 2]}, ["loss"]), "curves must be a pandas.DataFrame, got {'loss'"),
        ((None,), "curves must be a pandas.DataFrame, got None"),
    ],
)
def test_plot_training_says_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        plotting.plot_training(*arguments)
    assert plt.get_fignums() == []


def test_plot_training_of_a_metric_that_was_never_measured_is_an_empty_panel():
    figure = plotting.plot_training(CURVES.assign(loss=np.nan, val_loss=np.nan), ["loss"])
    assert not figure.axes[0].lines


# --- the spread of several runs ---

RUNS = pd.DataFrame({"recipe": ["base", "other", "base", "other"], "accuracy": [0.5, 0.7, 0.6, 0.65]})


def test_spread_draws_every_run_and_the_range_of_each_recipe():
    figure = plotting.plot_spread(RUNS, "accuracy", reference="base", label="right")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["base", "other"]
    assert axes.get_ylim() == (1.5, -0.5)  # the first one on top
    drawn = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in axes.lines]
    assert drawn == [([0.5, 0.6], [0, 0]), ([0.5, 0.6], [0, 0]), ([0.65, 0.7], [1, 1]), ([0.7, 0.65], [1, 1])]
    (band,) = axes.patches
    assert (band.get_x(), round(band.get_x() + band.get_width(), 9)) == (0.5, 0.6)
    assert axes.get_xlabel() == "right" and figure.get_size_inches()[0] == 8
    assert not plotting.plot_spread(RUNS, "accuracy").axes[0].patches


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((RUNS[:0], "accuracy"), "table must have a row or more, got 0 rows"),
        ((RUNS, "loss"), "value must be a column of table .recipe, accuracy., got 'loss'"),
        ((RUNS, None), "value must be a column of table .recipe, accuracy., got None"),
        ((RUNS, "accuracy", "model"), "name must be a column of table .recipe, accuracy., got 'model'"),
        ((RUNS, "accuracy", ["recipe"]), r"name must be a column of table .recipe, accuracy., got \['recipe'\]"),
        ((RUNS, "recipe"), "table must have numbers in the column 'recipe', got"),
        ((RUNS.replace(0.5, np.nan), "accuracy"), "table must have finite numbers in the column 'accuracy', got NaN"),
        ((RUNS.replace("base", np.nan), "accuracy"), "table must have a text or number in each row of 'recipe'"),
        ((RUNS, "accuracy", "recipe", "none"), "reference must be 'base' or 'other', got 'none'"),
        ((RUNS, "accuracy", "recipe", RUNS), "reference must be 'base' or 'other', got"),
        ((RUNS, "accuracy", "recipe", None, 3), "label must be a text or None, got 3"),
        ((RUNS.to_dict(), "accuracy"), "table must be a pandas.DataFrame, got {"),
        ((pd.DataFrame({"recipe": range(101), "accuracy": 0.5}), "accuracy"), "table must have at most 100 names in"),
    ],
)
def test_spread_names_bad_input(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        plotting.plot_spread(*arguments)
    assert plt.get_fignums() == []


def test_spread_takes_numbers_as_names():
    runs = pd.DataFrame({"depth": [8, 16, 8], "accuracy": [1, 2, 3]})
    (axes,) = plotting.plot_spread(runs, "accuracy", "depth", reference=np.int64(16)).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["8", "16"]
    assert axes.lines[2].get_color() == COLORS["vermillion"]
