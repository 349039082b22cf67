"""Sphinx's settings for the site; tools/site/build.py calls it."""

import sys
from pathlib import Path

from alexnet_helpers import __version__

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

project = "AlexNet, layer by layer"
author = "The AlexNet course authors"
copyright = "the AlexNet course authors; text and figures CC BY 4.0, code MIT"
release = __version__
root_doc = "index"
extensions = ["myst_nb", "tools.site.extension"]
exclude_patterns = ["_static"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
highlight_language = "text"  # of a block in a text that does not say what it is

nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "commonmark"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 6
myst_update_mathjax = False
# JupyterLab does not know these either.
myst_disable_syntax = ["myst_line_comment", "myst_block_break", "myst_target"]

html_theme = "pydata_sphinx_theme"
html_title = project
html_favicon = str(HERE / "static" / "favicon.svg")
html_context = {"default_mode": "auto"}
html_math_renderer = "mathml"
html_static_path = [str(HERE / "static")]
templates_path = [str(HERE / "templates")]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_use_index = False
html_show_sourcelink = False
html_show_sphinx = False
html_sidebars = {"**": ["book.html"]}
html_theme_options = {
    "navbar_align": "left",
    "navbar_center": ["links.html"],
    "navbar_end": ["theme-switcher.html"],
    "navbar_persistent": ["search-button-field.html"],
    "search_bar_text": "Search the course",
    "secondary_sidebar_items": ["page-toc"],
    "article_header_start": [],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
