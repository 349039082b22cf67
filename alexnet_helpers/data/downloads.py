"""Large files from the network, checked, or the reason why not.

pooch compares the checksum and unpacks. Its own downloader would wait for as long as a
mirror sends a byte now and then, and store whatever comes; so `Downloader` takes its
place, which keeps a deadline and a limit.
"""

import dataclasses
import os
import queue
import threading
import time
from urllib.parse import urlsplit

from alexnet_helpers import checks
from alexnet_helpers.data.folders import is_disk_full


def is_offline():
    """Say whether ALEXNET_OFFLINE forbids downloads."""
    return os.environ.get("ALEXNET_OFFLINE", "0") not in ("", "0")


def check_limits(slowest, patience):
    """Return what a mirror has to keep up with: bytes per second, and seconds."""
    slowest = checks.number("slowest", slowest, lowest=0)
    return slowest, checks.number("patience", patience, above=0, highest=86_400)


def retrieve(folder, download, mirrors, sha256, name, what, processor=None):
    """Return what `pooch.retrieve` does, from the first mirror that delivers the file.

    Parameters
    ----------
    folder : Path
        Where the file goes.
    download : Downloader
    mirrors : sequence of str
        Addresses of the file, tried in this order.
    sha256 : str
        Its checksum, in hexadecimal digits.
    name : str
        What the file is called in the folder.
    what : str
        What the printed lines call it.
    processor : callable, optional
        What pooch does with the file, such as `pooch.Untar`.
    """
    import pooch
    import urllib3

    pooch.get_logger().setLevel("WARNING")  # Jupyter would show its notes in red
    checksum = f"sha256:{sha256}"
    for url in mirrors:
        host = urlsplit(url).netloc
        print(f"Downloading {what} from {host} into {folder.parent} ...")
        try:
            return pooch.retrieve(url, checksum, name, folder, processor, download)
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            if is_disk_full(error):
                raise
            print(f"Giving up {host}: {error}")
    raise ConnectionError("no mirror delivered it")


@dataclasses.dataclass(frozen=True)
class Downloader:
    """Downloads for pooch, and gives up a mirror that is dead, too slow or endless.

    Parameters
    ----------
    slowest : float
        Bytes per second that a mirror has to send.
    patience : float
        Seconds over which the speed is measured, and in which a mirror has to answer.
    most : int
        Bytes that the file has: no more are stored.
    what, caller : str
        What messages call the file, and the function that takes these limits.
    """

    slowest: float
    patience: float
    most: int
    what: str
    caller: str

    def __call__(self, url, file, _pooch):
        """Store what lies at an address in a file."""
        from tqdm.auto import tqdm

        # Another thread does what may hang, and stays behind if it does: the time-out
        # of requests starts again at each byte. We watch the clock and what arrives.
        arrivals, given_up = queue.SimpleQueue(), threading.Event()
        given = url, self.patience, arrivals, given_up
        threading.Thread(target=_receive, args=given, daemon=True).start()
        try:
            size = next(self._in_time(arrivals))
            received = 0
            with (
                open(file, "wb") as out,
                tqdm(total=size or None, unit="B", unit_scale=True) as bar,
            ):
                for piece in self._in_time(arrivals):
                    received += len(piece)
                    if received > self.most:
                        excess = f"more than the {self.most:,} bytes of {self.what}"
                        raise ConnectionError(f"it sends {excess}")
                    out.write(piece)
                    bar.update(len(piece))
        finally:
            given_up.set()

    def _in_time(self, arrivals):
        """Yield what arrives until the end; raise if it is too little in its time."""
        start, received = time.monotonic(), 0
        while True:
            seconds = time.monotonic() - start
            if seconds >= self.patience:
                if complaint := self._complaint(received, seconds):
                    raise ConnectionError(complaint)
                start, received, seconds = time.monotonic(), 0, 0
            try:
                arrival = arrivals.get(timeout=self.patience - seconds)
            except queue.Empty:
                continue
            if isinstance(arrival, Exception):
                raise arrival
            if arrival == b"":
                return
            yield arrival
            received += len(arrival)

    def _complaint(self, received, seconds):
        """Say why a mirror that sent these bytes in these seconds is given up, or "".

        >>> Downloader(10_000, 10, 170_052_171, "a file", "load")._complaint(15_000, 10)
        '1.5 kB/s, less than 10 kB/s (load(slowest=...) sets this limit)'
        """
        if not received:
            limit = f"{self.caller}(patience=...)"
            return f"timed out: nothing in {seconds:.1f} s ({limit} sets this limit)"
        if received < self.slowest * seconds:
            speed, limit = received / seconds / 1000, self.slowest / 1000
            too_slow = f"{speed:.1f} kB/s, less than {limit:g} kB/s"
            return f"{too_slow} ({self.caller}(slowest=...) sets this limit)"
        return ""


def _receive(url, timeout, arrivals, given_up):
    """Hand over the size of a file (0: unknown), its bytes, and b"" at the end.

    Or the error that ended it.
    """
    import requests

    as_it_is = {"Accept-Encoding": "identity"}  # not compressed on the way
    options = {"headers": as_it_is, "timeout": timeout, "stream": True}
    try:
        with requests.get(url, **options) as response:
            response.raise_for_status()
            arrivals.put(int(response.headers.get("Content-Length", 0)))
            piece = b"at first"
            while piece and not given_up.is_set():
                # What is there; `iter_content` would wait for a full piece.
                piece = response.raw.read1(2**20)
                arrivals.put(piece)
    except Exception as error:
        arrivals.put(error)
