"""What several test modules share."""

import os
import shutil

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def browser():
    """Start Debian's Chromium, driven by Playwright; where one of the two is missing, skip and say so.

    With ALEXNET_BROWSER=needed, as in CI, fail: else nobody would see that these tests do not run any more.
    """
    stop = pytest.fail if os.environ.get("ALEXNET_BROWSER") == "needed" else pytest.skip
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        stop("there is no Chromium: apt-get install chromium")
    try:
        from playwright import sync_api as playwright
    except ModuleNotFoundError as missing:
        stop(f"{missing}: `make extras` installs it")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield running
        running.close()


@pytest.fixture
def image_folder():
    """Return a function that makes images of one colour, a different one for each, in root/{train,val}/CLASS."""

    def make(root, train=("a", "b"), val=("a", "b"), count=2, suffix="png"):
        for part, names in {"train": train, "val": val}.items():
            for name in names:
                (root / part / name).mkdir(parents=True)
                for number in range(count):
                    colour = (10 * number, 100 if part == "val" else 0, ord(name[0]))
                    Image.new("RGB", (50 + number, 40), colour).save(root / part / name / f"{number}.{suffix}")
        return root

    return make
