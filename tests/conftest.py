"""What several test modules share."""

import shutil

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def browser():
    """Start Debian's Chromium, driven by Playwright; where one of the two is missing, skip and say so."""
    playwright = pytest.importorskip("playwright.sync_api", reason="`make extras` installs Playwright")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("there is no Chromium: apt-get install chromium")
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
