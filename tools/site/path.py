"""The path of the course as the network: each layer, drawn to scale, with links to its notebooks."""

import html
from math import log2

from alexnet_helpers.geometry import layer_table
from tools import notebooks

# Which notebooks are about a layer. Those of a kind come first: a layer of its own adds to them.
KINDS = {"conv": ("02", "03", "05"), "pool": ("04",), "fc": ("06", "07")}
LAYERS = {"conv1": ("02", "03"), "conv2": ("03", "05"), "fc8": ("06", "08")} | dict.fromkeys(
    ("conv3", "conv4", "conv5"), ("05",)
)
AFTER = {
    "One layer back at a time": ("09",),
    "The whole network": ("10", "11", "12", "13"),
    "What it learned, and what it takes": ("14", "15", "16", "17"),
}


def titles():
    """Return {number: (page, title)} of the notebooks of the path."""
    found = {}
    for path in notebooks.numbered():
        first = notebooks.nbformat.read(path, as_version=4).cells[0].source
        found[path.name[:2]] = (path.stem, first.splitlines()[0].removeprefix("# ").replace("`", ""))
    return found


def network():
    """Return the network as a list in HTML, each layer with the links to its notebooks, and the rest of the path."""
    pages = titles()
    blocks = [block("image", "image", (227, 227, 3), ("01",), pages)]
    for name, output in layer_table()["output"].items():
        kind = name.rstrip("0123456789")
        blocks.append(block(name, kind, output, LAYERS.get(name, KINDS[kind]), pages))
    after = "".join(
        f"<li><span>{title}</span> {links(numbers, pages, with_titles=True)}</li>" for title, numbers in AFTER.items()
    )
    return (
        '<nav class="network" aria-label="The path as the network">'
        f'<ol class="layers">{"".join(blocks)}</ol><ol class="after">{after}</ol></nav>'
    )


def block(name, kind, shape, numbers, pages):
    """Return one layer: a block as high as its maps and as wide as it has channels, on a scale of square roots."""
    side, depth = (shape[0], shape[-1]) if len(shape) == 3 else (64, shape[0])
    height, width = round(1.6 * side**0.5, 1), round(log2(depth + 1), 1)
    size = "×".join(f"{number:,}" for number in shape).replace("×", "×<wbr>")
    return (
        f'<li class="{kind}"><span class="block" style="--height: {height}; --width: {width}" aria-hidden="true">'
        f"</span><b>{name}</b><span>{size}</span><span>{links(numbers, pages)}</span></li>"
    )


def links(numbers, pages, with_titles=False):
    """Return links to notebooks by number, with their titles to be read or only to be heard."""
    found = []
    for number in numbers:
        if number in pages:
            page, title = pages[number]
            title = html.escape(title)
            text = f"{number} {title}" if with_titles else f'{number}<span class="heard"> {title}</span>'
            found.append(f'<a href="{page}.html" title="{title}">{text}</a>')
    return " ".join(found)
