"""Started in every kernel under test (conftest.py sees to it): a figure whose text is hard to read fails its cell.

The bound is that of the Web Content Accessibility Guidelines 2.1, criterion 1.4.3, a contrast of 4.5 to 1, without its
exception for large letters.
"""

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

SMALLEST = 4.5
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
    """Draw a figure without the letters of its texts; return its pixels, its texts and where their strokes cover them.

    A figure is drawn once, since that takes longer than all else: the letters are kept back, and drawn alone.
    (Texts outside the limits of their axes, of ticks say, are not drawn, and not returned.)
    """
    letters, texts, draw, draw_text = [], [], Text.draw, RendererAgg.draw_text

    def keep_text(text, renderer):
        texts.append(text)
        draw(text, renderer)

    def keep_letters(renderer, properties, *arguments, **named):
        kept = renderer.new_gc()
        kept.copy_properties(properties)
        letters.append((texts[-1], kept, arguments, named))

    Text.draw, RendererAgg.draw_text = keep_text, keep_letters
    try:
        figure.canvas.draw()
    finally:
        Text.draw, RendererAgg.draw_text = draw, draw_text
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255
    alone = RendererAgg(pixels.shape[1], pixels.shape[0], figure.dpi)
    for _, properties, arguments, named in letters:
        properties.set_foreground((0, 0, 0, 1), isRGBA=True)
        properties.set_alpha(1)
        alone.draw_text(properties, *arguments, **named)
    strokes = np.asarray(alone.buffer_rgba())[..., 3] > 127
    texts = [text for text in dict.fromkeys(text for text, *_ in letters) if text.get_text().strip()]
    return pixels, texts, strokes


def hard_to_read(figure):
    """List the texts of a figure whose contrast with what lies under them is too small, with the contrast."""
    under, texts, strokes = drawn(figure)
    height, width = strokes.shape
    found = []
    for text in texts:
        place = text.get_window_extent()
        rows, columns = slice(max(0, round(height - place.y1)), None), slice(max(0, round(place.x0)), None)
        box = np.s_[: max(0, round(place.height)), : max(0, round(place.width))]
        ground = under[rows, columns][box][strokes[rows, columns][box]]
        outside = place.y0 < 0 or place.y1 > height or place.x0 < 0 or place.x1 > width
        if outside or not len(ground):  # savefig's "tight" adds paper there; strokes can be thinner than a pixel
            ground = np.array([to_rgb(figure.get_facecolor())])
        alpha = 1 if text.get_alpha() is None else text.get_alpha()
        ink = alpha * np.array(to_rgb(text.get_color())) + (1 - alpha) * ground
        # A line may run through a text; what makes more than a tenth of its strokes hard to see may not.
        worst = np.quantile(contrast(luminance(ink), luminance(ground)), 0.1)
        if worst < SMALLEST:
            found.append(f"{text.get_text()!r}: {worst:.1f}")
    return found


def checked_savefig(figure, *arguments, **options):
    if found := hard_to_read(figure):
        raise AssertionError("text with too little contrast: " + ", ".join(found))
    return savefig(figure, *arguments, **options)


def install():
    """From now on check every figure that is saved in this process."""
    Figure.savefig = checked_savefig
