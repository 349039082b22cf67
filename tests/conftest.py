"""What several test modules share."""

import shutil

import pytest


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
