"""Figures of the course: each function takes arrays or tables and returns a figure.

| module | holds |
| --- | --- |
| `style` | `COLORS`, `set_style`, and `show`, which stores a figure with its alt text |
| `sliders` | `explore`: a figure that is drawn again when a slider moves |
| `images` | images, filters, and what the places of a photo did for an answer |
| `curves` | training curves, and the spread of several runs |
| `architecture` | a network drawn to scale |
| `contents` | the figures of notebook 00 |
| `gradients` | the figures of notebook 09 |
| `comparisons` | two figures of notebook 13 |
| `inside` | the figures of notebook 14 |
| `arguments` | what these functions accept |
"""

from alexnet_helpers.plotting.architecture import plot_architecture
from alexnet_helpers.plotting.curves import plot_spread, plot_training
from alexnet_helpers.plotting.images import plot_filters, plot_images
from alexnet_helpers.plotting.sliders import explore
from alexnet_helpers.plotting.style import COLORS, set_style, show

__all__ = [
    "COLORS",
    "explore",
    "plot_architecture",
    "plot_filters",
    "plot_images",
    "plot_spread",
    "plot_training",
    "set_style",
    "show",
]
