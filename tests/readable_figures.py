"""Started in every kernel under test (conftest.py sees to it): a figure whose text is hard to read fails its cell.

The bound is that of the Web Content Accessibility Guidelines 2.1, criterion 1.4.3: a contrast of 4.5 to 1, or 3 to 1
for large letters.
"""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

LARGE = 18  # points
savefig = Figure.savefig


def luminance(colours):
    """Return the relative luminance (WCAG 2.1) of sRGB colours from 0 to 1, shape (..., 3)."""
    colours = np.asarray(colours, float)
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(first, second):
    """Return the contrast of two luminances, from 1 to 21."""
    return (np.maximum(first, second) + 0.05) / (np.minimum(first, second) + 0.05)


def drawn(figure):
    """Draw a figure; return its pixels and the texts in it (not those of ticks outside the limits, say)."""
    texts, draw = [], Text.draw
    Text.draw = lambda text, renderer: (texts.append(text), draw(text, renderer))
    try:
        figure.canvas.draw()
    finally:
        Text.draw = draw
    texts = [text for text in dict.fromkeys(texts) if text.get_visible() and text.get_text().strip()]
    return np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255, texts


def hard_to_read(figure):
    """List the texts of a figure whose contrast with what lies under them is too small, with the contrast."""
    seen, texts = drawn(figure)
    places = [text.get_window_extent() for text in texts]
    alphas = [text.get_alpha() for text in texts]
    for text in texts:
        text.set_alpha(0)  # it keeps its place, and its box
    under, _ = drawn(figure)
    for text, alpha in zip(texts, alphas):
        text.set_alpha(alpha)
    found, (height, width, _) = [], seen.shape
    for text, place in zip(texts, places):
        rows = slice(max(0, round(height - place.y1)), max(0, round(height - place.y0)))
        columns = slice(max(0, round(place.x0)), max(0, round(place.x1)))
        ink, ground = luminance(seen[rows, columns]), luminance(under[rows, columns])
        if place.y0 < 0 or place.y1 > height or place.x0 < 0 or place.x1 > width:  # savefig's "tight" adds paper there
            ink, ground = luminance([to_rgb(text.get_color())]), luminance([to_rgb(figure.get_facecolor())])
        # Inside a stroke the contrast is largest; at its edge the colours are mixed.
        largest = contrast(ink, ground).max(initial=1)
        if largest < (3 if text.get_fontsize() >= LARGE else 4.5):
            found.append(f"{text.get_text()!r}: {largest:.1f}")
    return found


def checked_savefig(figure, *arguments, **options):
    if found := hard_to_read(figure):
        raise AssertionError("text with too little contrast: " + ", ".join(found))
    return savefig(figure, *arguments, **options)


def install():
    """From now on check every figure that is saved in this process."""
    Figure.savefig = checked_savefig
