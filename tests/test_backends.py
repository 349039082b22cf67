"""What the course does on TensorFlow, it does on Keras' other backends: each is started once for all tests here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alexnet_helpers.models import alexnet_cifar10

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import dataclasses, json, sys
import numpy as np
from alexnet_helpers import data, models, recipes, training
network = models.alexnet_cifar10("modern", weights="modern_half")
some = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
answers = network.predict(some, verbose=0)
images = data.load_cifar10()
small = images._replace(x_train=images.x_train[:300], y_train=images.y_train[:300], x_test=images.x_test[:30],
                        y_test=images.y_test[:30])
changes = {"name": "tiny", "width": 0.03, "epochs": 3, "warmup_epochs": 1, "refine_epochs": 1, "averaging": 0.9}
changes["ingredients"] = {"without": ["conv2", "conv3", "conv4", "conv5", "fc7"], "stem": [11, 4]}
changes["batch_size"] = 120  # two batches of one shape, which is compiled once
recipe = dataclasses.replace(recipes.MODERN_HALF, **changes)
runs = []
for folder, parts in (("whole", (None,)), ("parts", (1, None))):
    places = {"checkpoint_folder": f"{sys.argv[1]}/{folder}", "results_folder": f"{sys.argv[1]}/{folder}-results"}
    for epochs in parts:
        model, curves = training.train(recipe, small, epochs=epochs, verbose=0, **places)
    runs.append((model.get_weights(), curves))
(whole, curves), (resumed, _) = runs
difference = max(abs(one - other).max() / max(abs(one).max(), 1e-3) for one, other in zip(whole, resumed, strict=True))
found = {"backend": models.keras.backend.backend(), "answers": answers.tolist(), "losses": curves["loss"].tolist()}
print(json.dumps(found | {"trained on": curves["backend"].iloc[0].split()[0], "difference": float(difference)}))
"""


@pytest.fixture(scope="module", params=["jax", "torch"])
def found(request, tmp_path_factory):
    """Return the name of a backend, and what the program above found on it."""
    pytest.importorskip(request.param)
    environment = os.environ | {"KERAS_BACKEND": request.param, "ALEXNET_DATA": os.devnull, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path_factory.mktemp(request.param))]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=3000)
    return request.param, json.loads(done.stdout.splitlines()[-1])


def test_other_backends_answer_alike(found):
    backend, found = found
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    expected = alexnet_cifar10("modern", weights="modern_half").predict(images, verbose=0)
    assert found["backend"] == backend
    np.testing.assert_allclose(found["answers"], expected, atol=1e-3)


def test_other_backends_train_alike_and_go_on_after_a_stop(found):
    backend, found = found
    assert found["trained on"] == backend
    assert found["difference"] <= 1e-4
    assert found["losses"][-1] < found["losses"][0]
