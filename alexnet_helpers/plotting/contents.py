"""The figures of notebook 00: guesses, maps, weights, two networks as blocks.

They are drawn here so that the first page can show what a network computes without
the code that draws it.
"""

import matplotlib.pyplot as plt
import numpy as np

from alexnet_helpers.data import CLASS_NAMES
from alexnet_helpers.geometry import Layer
from alexnet_helpers.plotting.architecture import plot_architecture
from alexnet_helpers.plotting.style import COLORS, show

GUESSES = 5
# The notebooks about each layer of AlexNet, written below its block.
ABOUT = {
    **{"image": "01", "conv1": "02, 03", "pool1": "04", "conv2": "03, 05"},
    **{"pool2": "04", "conv3": "05", "conv4": "05", "conv5": "05", "pool3": "04"},
    **{"fc6": "06, 07", "fc7": "06, 07", "fc8": "06, 08"},
}
BELOW = (
    "← 09: the gradient, from the last layer back to the first",
    "10 to 17: the whole network, built, trained and examined",
)
FILTERS = (52, 50, 24)  # of conv1: one for a colour, two for edges
# Alt texts that would give an answer away if they stood in the notebook's code.
SUMS = (
    "Left, the brightness of the cat's photo, with an orange square around the window"
    " at the top left and a blue one around that at the bottom right. Middle, the map"
    " of sums: mid-grey, with bright and dark lines along the nose and around the eyes;"
    " the sums of the two windows have squares of the same colours. Right, the map"
    " with every negative sum set to 0: only the bright lines are left, on black."
)
MAPS = (
    "Three rows of six pictures. Conv1: an orange filter and its map, the cat's face in"
    " light greys; a grey filter, light on the left and dark on the right, and its map,"
    " and one that is light above and dark below, and its map: edges of the face, light"
    " and dark, on grey. Conv3: coarse light and dark patches and stripes; in the first"
    " map two dark patches with a light stripe between them. Conv5: in each map 8×8"
    " light and dark squares."
)
WEIGHTS = (
    "The learned weights of the digits 0 to 9, each as a square of 8×8 coloured pixels,"
    " red for positive weights and blue for negative ones: the 0 a pale red ring around"
    " a blue hole, the 3 blue in the middle of its left half, the 1 with two dark red"
    " pixels above the middle."
)
RATES_ALT = (
    "Four panels with the same valley, the loss over the weight w, lowest near 2.5, and"
    " three steps from w = 1. With a learning rate of 0.01 the steps creep down; with"
    " 0.05 they come close to the bottom from one side; with 0.1 they jump from side to"
    " side and come closer; with 0.15 they jump from side to side and climb out of the"
    " valley."
)
REGIONS = (
    "Twice the same points: a disc of blue dots in a ring of red triangles. Left,"
    " without ReLU, a straight border cuts off a part of the ring and the edge of the"
    " disc. Right, with ReLU, the answer 'disc' covers a closed area with corners that"
    " holds all dots and no triangle."
)


def show_guesses(network, photo, what):
    """Show a photo of 32×32 pixels beside a network's five best guesses.

    Parameters
    ----------
    network : keras.Model
        Gives ten probabilities, one for each class of CIFAR-10.
    photo : ndarray, shape (32, 32, 3)
        Values 0-255.
    what : str
        What the photo shows; begins the alt text, which goes on with the guesses.
    """
    photo = np.asarray(photo)
    batch = photo[np.newaxis].astype("float32")
    percent = 100 * np.asarray(network.predict(batch, verbose=0))[0]
    best = np.argsort(-percent, kind="stable")[:GUESSES]
    names = [CLASS_NAMES[number] for number in best]
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(8, 3), layout="constrained", width_ratios=(1, 1.5)
    )
    left.imshow(photo)
    left.set_title("32×32 pixels")
    left.axis("off")
    right.bar_label(right.barh(names, percent[best], color="#767676"), fmt=" %.0f %%")
    right.set(xlim=(0, 110), title="five best guesses", xticks=[])
    right.invert_yaxis()
    right.spines[["bottom", "left"]].set_visible(False)
    said = [f"{name} {percent[k]:.0f} %" for name, k in zip(names, best, strict=True)]
    show(figure, f"{what}. Guesses: {', '.join(said)}")


def draw_network(network, photo):
    """Draw the network of notebook 00 as blocks, with the photo on the first one.

    Parameters
    ----------
    network : keras.Model
        Its convolutions have windows of 3×3 and keep the size, its pools halve it.
    photo : ndarray, shape (height, width, 3)
        Values 0-255.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.
    """
    kinds = ("conv", "pool", "fc")
    steps = [step for step in network.layers if step.name.startswith(kinds)]
    layers = [_as_block(step) for step in steps]
    size = network.input_shape[1]
    figure = plot_architecture(layers, input_size=size, faces={"image": photo})
    legend = figure.axes[0].get_legend().get_texts()
    legend[0].set_text("convolution")  # its nonlinearity is not ReLU
    for text in figure.axes[0].texts:
        if text.get_text().startswith("pool"):  # AlexNet's pools have other numbers
            text.set_text("pool")
    for picture in figure.axes[0].images:  # the page has just spoken of pixels
        picture.set_interpolation("nearest")
    return figure


def _as_block(step):
    if step.name.startswith("fc"):
        return Layer(step.name, "dense", step.units)
    if step.name.startswith("conv"):
        return Layer(step.name, "conv", step.filters, kernel=3, padding=1)
    return Layer(step.name, "pool", kernel=3, stride=2, rounding="ceil")


def draw_path(photo):
    """Draw the AlexNet of 2012, and below each layer the notebooks about it.

    Parameters
    ----------
    photo : ndarray, shape (height, width, 3)
        Values 0-255, drawn on the first block.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.
    """
    figure = plot_architecture(faces={"image": photo})
    axes = figure.axes[0]
    x_of = {text.get_text(): text.get_position()[0] for text in axes.texts}
    bottom = axes.get_ylim()[0]
    for name, numbers in ABOUT.items():
        axes.text(x_of[name], bottom - 26, numbers, ha="center", fontsize=9.5)
    for line, text in enumerate(BELOW):
        axes.text(400, bottom - 46 - 20 * line, text, ha="center", fontsize=10)
    return figure


def show_sums(brightness, sums):
    """Show a photo's brightness, the map of a filter, and the map after ReLU.

    Parameters
    ----------
    brightness : ndarray, shape (32, 32)
        Values 0-255.
    sums : ndarray, shape (30, 30)
        One sum for each window of 3×3 pixels.
    """
    panels = [
        ("brightness", brightness, 0, 255),
        ("the map of sums", sums, -350, 350),
        ("negative sums set to 0", np.maximum(sums, 0), 0, 350),
    ]
    figure, axes = plt.subplots(1, 3, figsize=(8, 2.9), layout="constrained")
    for ax, (title, picture, black, white) in zip(axes, panels, strict=True):
        edge = (32 - len(picture)) / 2  # each sum at the middle of its window
        place = (edge, 32 - edge, 32 - edge, edge)
        ax.imshow(picture, cmap="gray", vmin=black, vmax=white, extent=place)
        ax.set(title=title, xlim=(-0.3, 32.3), ylim=(32.3, -0.3))
        ax.axis("off")
    for start, color in ((0, COLORS["orange"]), (29, COLORS["sky"])):
        for ax, corner, side in ((axes[0], start, 3), (axes[1], start + 1, 1)):
            square = plt.Rectangle((corner, corner), side, side)
            ax.add_patch(square).set(fill=False, edgecolor=color, linewidth=2)
    show(figure, SUMS)


def show_maps(filters, maps):
    """Show three filters of conv1 beside their maps, and six maps of other layers.

    Parameters
    ----------
    filters : ndarray, shape (3, 3, 3, 54)
        The weights of conv1; drawn as red, green and blue, with 0 as mid-grey.
    maps : dict of str to ndarray, shape (height, width, maps)
        The maps of conv1 and of two layers after it. Of these, the six whose numbers
        have the largest standard deviation are drawn, black to white, 0 as mid-grey.
    """
    figure, axes = plt.subplots(3, 6, figsize=(8, 4.5), layout="constrained")
    for row, (layer, of_layer) in zip(axes, maps.items(), strict=True):
        panels, titles = [], ["filter", "its map"] * 3
        if layer == "conv1":
            for number in FILTERS:
                weights = filters[:, :, :, number]
                panels += [0.5 + 0.5 * weights / abs(weights).max()]
                panels += [of_layer[:, :, number]]
        else:
            vary_most = of_layer.std(axis=(0, 1)).argsort()[:-7:-1]
            panels = [of_layer[:, :, number] for number in vary_most]
            titles = [f"map {number}" for number in vary_most]
        for panel, title, ax in zip(panels, titles, row, strict=True):
            most = abs(panel).max()
            ax.imshow(panel, cmap="gray", vmin=-most, vmax=most)
            ax.set(xticks=[], yticks=[])
            ax.set_title(title, fontsize=10)
        row[0].set_ylabel(f"{layer}\n{len(of_layer)}×{len(of_layer)}")
    show(figure, MAPS)


def show_weights(by_pixel):
    """Show the weights of ten digits, each as a picture, red above 0 and blue below.

    Parameters
    ----------
    by_pixel : ndarray, shape (8, 8, 10)
        The weights of each digit where their pixels are.
    """
    largest = abs(by_pixel).max()
    figure, axes = plt.subplots(2, 5, figsize=(7, 3.2), layout="constrained")
    for digit, ax in enumerate(axes.flat):
        of_digit = by_pixel[:, :, digit]
        colours = ax.imshow(of_digit, cmap="RdBu_r", vmin=-largest, vmax=largest)
        ax.set(title=digit, xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
    figure.colorbar(colours, ax=axes, label="weight")
    show(figure, WEIGHTS)


def show_regions(network, without, with_relu, points, part):
    """Show what two networks answer at each place of a plane, and points of two parts.

    Parameters
    ----------
    network : callable
        Takes weights, points as rows of two coordinates, and whether there is a ReLU;
        gives two probabilities for each point, of the disc and of the ring.
    without, with_relu : ndarray
        The weights of the network without and with ReLU.
    points : ndarray, shape (N, 2)
        Drawn on both pictures.
    part : ndarray, shape (N,)
        0 for a point of the disc, 1 for one of the ring.
    """
    across = np.linspace(-3.3, 3.3, 200)
    grid = np.stack(np.meshgrid(across, across), axis=2).reshape(-1, 2)
    colors = (COLORS["sky"], COLORS["vermillion"])
    figure, axes = plt.subplots(1, 2, figsize=(8, 4.1), layout="constrained")
    for ax, weights, relu in zip(
        axes, (without, with_relu), (False, True), strict=True
    ):
        answers = network(weights, grid, relu).argmax(axis=1).reshape(200, 200)
        levels = (-0.5, 0.5, 1.5)
        ax.contourf(across, across, answers, levels=levels, colors=colors, alpha=0.3)
        for number, marker in enumerate("o^"):
            place = points[part == number].T
            ax.plot(*place, marker, color=colors[number], mec="black", mew=0.5, ms=5)
        ax.set(title="with ReLU" if relu else "without ReLU", xticks=[], yticks=[])
        ax.set_aspect("equal")
        ax.spines[:].set_visible(True)
    names = ["disc (background: the answer)", "ring (background: the answer)"]
    figure.legend(axes[0].lines, names, loc="outside lower center", ncols=2)
    show(figure, REGIONS)


def show_accuracy(learned, held_back, test):
    """Show the accuracy of a run after each epoch, and that of another at its end.

    Parameters
    ----------
    learned, held_back : sequence of float
        In per cent, on the training photos and on photos held back, for each epoch.
    test : float
        In per cent, on the test photos, of the network of notebook 00.
    """
    learned, held_back = np.asarray(learned), np.asarray(held_back)
    epochs = np.arange(1, len(learned) + 1)
    figure, ax = plt.subplots(figsize=(8, 2.8), layout="constrained")
    style = {"markersize": 3, "linestyle": "-"}
    red, grey, blue = (COLORS[name] for name in ("vermillion", "grey", "blue"))
    label = "earlier run: training photos"
    ax.plot(epochs, learned, marker="o", color=red, label=label, **style)
    label = "earlier run: photos held back"
    ax.plot(epochs, held_back, marker="s", color=grey, label=label, **style)
    label = "this network: test photos, after the last epoch"
    ax.plot(epochs[-1], test, "D", color=blue, label=label)
    ax.set(xlabel="epoch", ylabel="accuracy (%)", ylim=(50, 102))
    ax.set_xticks((1, *range(6, len(epochs) + 1, 6)))
    ax.legend(loc="lower right")
    show(
        figure,
        f"Over the {len(epochs)} epochs of an earlier run, the accuracy on its"
        f" training photos grows from {learned[0]:.1f} % to {learned[-1]:.1f} %, that"
        f" on the photos held back from {held_back[0]:.1f} % to {held_back[-1]:.1f} %."
        " For the network of this page a single point, after the last epoch, shows"
        f" {test:.1f} % on the test photos.",
    )
