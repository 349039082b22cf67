"""What the site adds to Sphinx: formulas as MathML, words linked to the glossary, code that folds."""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref

HOST = re.compile(r"^(?:https?:)?//")


# --- formulas ---


class Formulas:
    """KaTeX, the file that comes with the package sphinxcontrib-katex, run by the engine mini-racer."""

    engine = None

    def mathml(self, source, display):
        """Return a formula in TeX as MathML, which browsers show without a script; a wrong one raises."""
        if not self.engine:
            import sphinxcontrib.katex
            from py_mini_racer import MiniRacer

            self.engine = MiniRacer()
            self.engine.eval(Path(sphinxcontrib.katex.__file__).with_name("katex.min.js").read_text("utf-8"))
        options = {"output": "mathml", "displayMode": display, "throwOnError": True, "strict": "error"}
        page = self.engine.eval(f"katex.renderToString({json.dumps(source)}, {json.dumps(options)})")
        return re.search(r"<math.*</math>", page, re.DOTALL)[0]


FORMULAS = Formulas()


def visit_formula(translator, node):
    """Write a formula within a line."""
    translator.body.append(FORMULAS.mathml(node.astext(), display=False))
    raise nodes.SkipNode


def visit_block_formula(translator, node):
    """Write a formula that stands alone; if it is too long, it scrolls."""
    text = FORMULAS.mathml(node.astext(), display=True)
    translator.body.append(f'<div class="formula" tabindex="0" role="group" aria-label="Formula">{text}</div>')
    raise nodes.SkipNode


# --- the glossary ---


# Where a word means something else.
OTHER_MEANINGS = re.compile(r"(?:affine|layout) maps?$|\bper unit$|\bresults in a loss$")


def form(word):
    """Return the pattern of a word of the glossary, in the plural too; names keep their capitals."""
    plural = "" if word.endswith("s") else "(?:es)?" if word.endswith("x") else "s?"
    flag = "i" if word == word.lower() else ""
    return f"((?{flag}:{re.escape(word)}{plural}))"


def link_words(app, tree):
    """Link the first mention of each word of the glossary on a page to its entry."""
    page = app.env.docname
    if not re.match(r"(?:solutions/)?\d\d_", page):
        return
    entries = json.loads((Path(app.srcdir) / "glossary.json").read_text("utf-8"))
    words = sorted(entries, key=len, reverse=True)  # "feature map" before "map"
    mention = re.compile(rf"(?<![\w-])(?:{'|'.join(map(form, words))})(?![\w-])")
    up = "../" * page.count("/")
    linked = set()
    for text in list(tree.findall(nodes.Text)):
        if not in_running_text(text):
            continue
        siblings = text.parent.children
        before = siblings[siblings.index(text) - 1].astext() if siblings[0] is not text else ""
        pieces, end = [], 0
        for found in mention.finditer(text):
            entry = entries[words[found.lastindex - 1]]
            if entry["anchor"] in linked or OTHER_MEANINGS.search(before + text[: found.end()]):
                continue
            linked.add(entry["anchor"])
            link = nodes.reference("", found[0], refuri=f"{up}glossary.html#{entry['anchor']}", classes=["term"])
            link["reftitle"] = entry["meaning"]
            pieces += [nodes.Text(text[end : found.start()]), link]
            end = found.end()
        if pieces:
            pieces.append(nodes.Text(text[end:]))
            text.parent.replace(text, [piece for piece in pieces if piece.astext()])


def in_running_text(text):
    """Tell whether a text may hold a link: not in a heading, a link, or code."""
    outside = (
        *(nodes.title, nodes.reference, pending_xref),
        *(nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw),
    )
    ancestor = text.parent
    while ancestor is not None:
        if isinstance(ancestor, outside):
            return False
        ancestor = ancestor.parent
    return True


# --- code ---

FOLD = '<details class="fold" open><summary>Code</summary>'
SETUP_FOLD = '<details class="fold setup"><summary>Setup cell: the same in every notebook</summary>'


def fold_code(app, tree):
    """Let the code of each cell be folded away; that of the setup cell is."""
    for cell in tree.findall(nodes.container):
        if "cell_input" in cell["classes"]:
            setup = "tag_setup" in cell.parent["classes"]
            cell.insert(0, nodes.raw("", SETUP_FOLD if setup else FOLD, format="html"))
            cell.append(nodes.raw("", "</details>", format="html"))


def edit(app, tree):
    """Edit a page that has just been read."""
    fold_code(app, tree)
    link_words(app, tree)


def context(app, page, template, values, tree):
    """Tell the templates what there is; an empty corner of a table heads nothing."""
    if "body" in values:
        values["body"] = re.sub(r'<th class="head[^"]*">(?:<p></p>)?</th>', "<td></td>", values["body"])
    values["explorer"] = app.config.explorer
    values["repository"] = app.config.repository


def setup(app):
    """Add all this to Sphinx."""
    app.add_config_value("explorer", False, "html")
    app.add_config_value("repository", "", "html")
    app.add_config_value("work", "", "html")
    app.add_html_math_renderer("mathml", (visit_formula, None), (visit_block_formula, None))
    app.connect("doctree-read", edit)
    app.connect("html-page-context", context)
    app.connect(
        "config-inited",
        lambda app, config: config.html_static_path.extend([f"{config.work}/source/_static", f"{config.work}/font"]),
    )
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
