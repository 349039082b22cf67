"""Count what notebook 13 prints: which test images the two trained networks that come with the course get right.

    python tools/pairs.py

Writes data/results/pairs.csv: for each combination of right and wrong the number of test images, seen once each as
they are. Needs CIFAR-10, or counts on the digits. Takes one to two minutes on two CPU cores.
"""

import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from alexnet_helpers import data, models, results  # noqa: E402

NETWORKS = {"modern_half": "modern_half", "today_all": "cifar10"}  # recipe: name of its weights


def main():
    """Show the test images to both networks, and write the table."""
    dataset = data.load_cifar10()
    networks = {name: models.alexnet_cifar10(weights=weights) for name, weights in NETWORKS.items()}
    results.write_table(ROOT / "data" / "results" / "pairs.csv", counted(networks, dataset))


def counted(networks, dataset):
    """Return how many test images each combination of right (1) and wrong (0) answers has, the networks as columns."""
    answers = {name: one.predict(dataset.x_test, batch_size=500, verbose=0) for name, one in networks.items()}
    right = pd.DataFrame({name: (p.argmax(axis=1) == dataset.y_test).astype(int) for name, p in answers.items()})
    table = right.value_counts().rename("images").sort_index().reset_index()
    return table.assign(source=dataset.source)


if __name__ == "__main__":
    main()
