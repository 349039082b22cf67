"""`tools/pairs.py`: each test image is counted once, and the stored table is of the stored runs."""

import types

import numpy as np
import pandas as pd
import pytest

from alexnet_helpers.results import RESULTS_FOLDER
from tools import pairs


def network(classes):
    return types.SimpleNamespace(predict=lambda images, **_: np.eye(10)[classes])


def test_each_image_is_counted_under_the_answers_of_both():
    dataset = types.SimpleNamespace(x_test=None, y_test=np.array([3, 3, 5, 7, 0]), source="made up")
    table = pairs.counted({"first": network([3, 3, 0, 7, 1]), "second": network([3, 5, 5, 7, 2])}, dataset)
    assert table.columns.tolist() == ["first", "second", "images", "source"]
    assert table.iloc[:, :3].to_numpy().tolist() == [[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 2]]
    assert set(table["source"]) == {"made up"}


@pytest.mark.parametrize(("name", "seed"), [("modern_half", 0), ("today_all", 1)])
def test_the_stored_table_has_the_accuracies_of_the_runs(name, seed):
    table, run = (pd.read_csv(RESULTS_FOLDER / f"{file}.csv") for file in ("pairs", name))
    assert table["images"].sum() == 10_000
    accuracy = (table[name] * table["images"]).sum() / 10_000
    assert accuracy == pytest.approx(run.query("seed == @seed")["test_accuracy"].iloc[-1], abs=0.0005)
