"""Put the explorer together: `python tools/explorer/build.py OUT.html` writes one page that needs nothing else.

The page holds the course's trained network and runs it in the browser. Its parts lie beside this file: `index.html`,
`style.css`, the scripts in the order of SCRIPTS, and `text.en.json`, all English text in one place (a translation
`text.de.json` is chosen by `--language de`).
"""

import argparse
import base64
import functools
import html
import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).resolve().parent
if __name__ == "__main__":  # called by its path, without the course's folder on the search path
    sys.path.insert(0, str(FOLDER.parents[1]))

from alexnet_helpers import data, load_keras, models  # noqa: E402
from alexnet_helpers.weights import named_weights  # noqa: E402

SCRIPTS = ("network.js", "explain.js", "pictures.js", "explanation.js", "photos.js", "interface.js")
MOST_BYTES = 8_000_000
# Photos that come with scikit-image and scikit-learn, and the left edge of the square that is cut out of each (None:
# the middle). Who made them and their terms stand in text.en.json, under "photos".
PHOTOS = {"cat": None, "rocket": None, "horse": 60, "coffee": 100, "temple": None, "flower": None}
THUMBNAIL = 112


def photo(name):
    """Return one of the six photos, cut to a square, as a Pillow image."""
    import skimage.data
    from sklearn.datasets import load_sample_image

    sources = {
        "cat": skimage.data.cat,
        "rocket": skimage.data.rocket,
        "horse": lambda: 255 * skimage.data.horse().astype("uint8"),
        "coffee": skimage.data.coffee,
        "temple": lambda: load_sample_image("china.jpg"),
        "flower": lambda: load_sample_image("flower.jpg"),
    }
    whole = Image.fromarray(sources[name]()).convert("RGB")
    side = min(whole.size)
    left = (whole.width - side) // 2 if PHOTOS[name] is None else PHOTOS[name]
    top = (whole.height - side) // 2
    return whole.crop((left, top, left + side, top + side))


def photo_pixels(name):
    """Return the 32 x 32 x 3 values, 0 to 255, that the network reads of one of the six photos."""
    content = io.BytesIO()
    photo(name).save(content, "png")
    return data.read_photo(content.getvalue(), size=32)


def _photo_entry(name):
    thumbnail = io.BytesIO()
    photo(name).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS).save(thumbnail, "webp", quality=80)
    picture = base64.b64encode(thumbnail.getvalue()).decode()
    pixels = base64.b64encode(photo_pixels(name).tobytes()).decode()
    return {"name": name, "pixels": pixels, "thumbnail": f"data:image/webp;base64,{picture}"}


def describe(network):
    """Return the stations of a Keras network of the variant "today", as network.js wants them.

    A station begins with a convolution, a pooling or a dense layer; the normalization and activation after it
    belong to it.
    """
    layers, stations = load_keras().layers, []
    for layer in network.layers:
        if isinstance(layer, (layers.Conv2D, layers.Dense)):
            kind, units = ("conv", layer.filters) if isinstance(layer, layers.Conv2D) else ("dense", layer.units)
            activation = layer.activation.__name__
            stations.append({"name": layer.name, "kind": kind, "units": units, "bias": layer.use_bias})
            stations[-1]["activation"] = activation if activation != "linear" else None
        elif isinstance(layer, layers.MaxPooling2D):
            stations.append({"name": layer.name, "kind": "pool", "units": stations[-1]["units"], "bias": False})
        elif isinstance(layer, layers.BatchNormalization):
            stations[-1] |= {"norm": layer.name, "epsilon": layer.epsilon}
        elif isinstance(layer, layers.Activation):
            stations[-1]["activation"] = layer.activation.__name__
    return stations


def pack(network):
    """Return where each array of a network lies, and all of them as bytes: kernels in 16 bits, vectors in 32."""
    entries, content = [], bytearray()
    for name, variable in named_weights(network).items():
        array = variable.numpy()
        stored = array.astype("<f2" if array.ndim > 1 else "<f4")
        if not np.array_equal(stored.astype("float32"), array):
            raise ValueError(f"network must have kernels that 16 bits hold, got others in {name}")
        content += bytes(-len(content) % 4)
        entry = {"name": name, "type": stored.dtype.name, "start": len(content), "length": stored.size}
        entries.append(entry)
        content += stored.tobytes()
    return entries, bytes(content)


@functools.cache
def _network():
    """Return what the page is told about the network, and its weights in base64."""
    network = models.alexnet_cifar10(weights="cifar10")
    arrays, content = pack(network)
    description = {
        "stations": describe(network),
        "arrays": arrays,
        "mean": models.CIFAR10_MEAN,
        "std": models.CIFAR10_STD,
        "classes": data.CLASS_NAMES,
    }
    return description, base64.b64encode(content).decode()


def page(first_lesson="", language="en"):
    """Return the whole page as one text.

    Parameters
    ----------
    first_lesson : where the last step leads, as seen from the page; without it, the step names notebook 01 only.
    language : of the text, for which text.LANGUAGE.json has to be there.
    """
    text = json.loads((FOLDER / f"text.{language}.json").read_text("utf-8"))
    description, weights = _network()
    shared = {
        "text": text,
        "network": description,
        "photos": [_photo_entry(name) for name in PHOTOS],
        "firstLesson": first_lesson,
    }
    scripts = "\n".join((FOLDER / name).read_text("utf-8") for name in SCRIPTS)
    parts = {
        "language": language,
        "title": html.escape(text["title"]),
        "style": (FOLDER / "style.css").read_text("utf-8"),
        "data": json.dumps(shared).replace("<", "\\u003c"),
        "weights": weights,
        "scripts": scripts,
    }
    whole = (FOLDER / "index.html").read_text("utf-8")
    for name, part in parts.items():
        if whole.count(f"[[{name}]]") != 1:
            raise ValueError(f"index.html must have [[{name}]] once, got {whole.count(f'[[{name}]]')}")
        whole = whole.replace(f"[[{name}]]", part)
    if len(whole.encode()) > MOST_BYTES:
        raise ValueError(f"the page must have at most {MOST_BYTES:,} bytes, got {len(whole.encode()):,}")
    return whole


def main():
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the file to write")
    parser.add_argument("--first-lesson", default="", help="where notebook 01 lies, as seen from the page")
    parser.add_argument("--language", default="en", help="of text.LANGUAGE.json (default: en)")
    options = parser.parse_args()
    whole = page(options.first_lesson, options.language)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(whole, "utf-8")
    print(f"{options.out}: {len(whole.encode()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
