"""The check of the figures' text that every kernel under test makes (readable_figures.py)."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import readable_figures


@pytest.fixture
def figure():
    made = plt.figure(figsize=(3, 2))
    yield made
    plt.close(made)


def test_black_on_white_has_the_largest_contrast_and_the_bound_lies_at_the_known_grey():
    black, white, grey, lighter = readable_figures.luminance([[0] * 3, [1] * 3, [0x76 / 255] * 3, [0x77 / 255] * 3])
    assert readable_figures.contrast(black, white) == pytest.approx(21)
    assert readable_figures.contrast(lighter, white) < 4.5 < readable_figures.contrast(grey, white)


@pytest.mark.parametrize(
    "colour, ground, size, fine",
    [
        ("black", "white", 10, True),
        ("#767676", "white", 10, True),
        ("#D55E00", "white", 10, False),
        ("#D55E00", "white", 24, False),
        ("white", "#E69F00", 10, False),
        ("black", "#E69F00", 10, True),
    ],
)
def test_text_is_held_against_what_lies_under_it(figure, colour, ground, size, fine):
    figure.patches.append(plt.Rectangle((0, 0), 1, 1, color=ground, transform=figure.transFigure))
    figure.text(0.1, 0.4, "seven", color=colour, fontsize=size)
    assert (readable_figures.hard_to_read(figure) == []) is fine


@pytest.mark.parametrize("covered, fine", [(0.02, True), (0.5, False)])
def test_a_line_through_a_text_is_no_matter_but_half_a_text_is(figure, covered, fine):
    figure.text(0, 0.4, "seven words, " * 3, fontsize=8)
    figure.patches.append(plt.Rectangle((0.3, 0), covered, 1, color="black", transform=figure.transFigure))
    assert (readable_figures.hard_to_read(figure) == []) is fine


def test_a_pale_text_is_held_against_what_shines_through(figure):
    figure.text(0.1, 0.4, "seven", alpha=0.3)
    assert readable_figures.hard_to_read(figure) == ["'seven': 2.1"]
    assert figure.texts[0].get_alpha() == 0.3
    assert figure.texts[0].get_color() == "black"


def test_a_tick_outside_the_limits_and_an_axis_that_is_off_do_not_count(figure):
    axes = figure.add_subplot()
    axes.tick_params(colors="#EEEEEE")
    axes.axis("off")
    assert readable_figures.hard_to_read(figure) == []
    axes.axis("on")
    assert readable_figures.hard_to_read(figure)


def in_a_kernel_under_test(code):
    (startup,) = Path(os.environ["IPYTHONDIR"], "profile_default", "startup").glob("*.py")
    command = [sys.executable, "-c", f"{startup.read_text('utf-8')}\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_every_kernel_under_test_checks_its_figures():
    code = "from matplotlib.figure import Figure\nprint(Figure.savefig.__name__)"
    assert in_a_kernel_under_test(code) == "checked_savefig\n"


def test_a_cell_under_test_fails_on_a_warning_of_numpy():
    code = "import numpy as np\ntry:\n    np.zeros(0).mean()\nexcept RuntimeWarning as warning:\n    print(warning)"
    assert in_a_kernel_under_test(code) == "Mean of empty slice\n"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not hold a process to a limit of memory")
def test_every_kernel_under_test_has_4_gigabytes():
    assert in_a_kernel_under_test("import numpy as np\nprint(np.zeros(2 * 2**30, np.uint8).size)") == f"{2 * 2**30}\n"
    code = "try:\n    np.zeros(5 * 2**30, np.uint8)\nexcept MemoryError:\n    print('too much')"
    assert in_a_kernel_under_test(f"import numpy as np\n{code}") == "too much\n"
