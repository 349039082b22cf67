"""CIFAR-10's way into the course, with every way in which it can fail, against a server of our own.

No test reaches beyond this machine. The archive served here has CIFAR-10's form and a few images a file.
"""

import ast
import concurrent.futures
import contextlib
import hashlib
import http.server
import io
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import types
import zlib
from pathlib import Path

import numpy as np
import PIL
import pytest
import skimage.data
from packaging.version import Version
from PIL import Image, ImageOps

from alexnet_helpers import data
from alexnet_helpers.data import cifar10, decoding, downloads, folders, photos

IMAGES = 20  # in each batch file of the test's archive
FILES = ("data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
         "test_batch.bin")  # fmt: skip
COURSE = Path(data.__file__).resolve().parents[2]


def batch_file(rng):
    """Return (images, labels, the bytes of their batch file), written pixel by pixel as CIFAR-10's page says."""
    images = rng.integers(0, 256, (IMAGES, 32, 32, 3), np.uint8)
    labels = rng.integers(0, 10, IMAGES)
    records = bytearray()
    for image, label in zip(images, labels, strict=True):
        records.append(label)
        for channel in range(3):
            for row in range(32):
                records += bytes(image[row, :, channel])
    return images, labels, bytes(records)


BATCHES = {name: batch_file(np.random.default_rng(number)) for number, name in enumerate(FILES)}


def archive(extra=(), changed=None):
    """Return a tar.gz of the batch files; `extra` and `changed` members are (TarInfo, bytes), changed ones by file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
        folder = tarfile.TarInfo("cifar-10-batches-bin")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for info, content in extra:
            add(tar, info, content)
        for name, (_, _, content) in BATCHES.items():
            info, content = (changed or {}).get(name, (member(name), content))
            if info is not None:
                add(tar, info, content)
    return file.getvalue()


def add(tar, info, content):
    """Add a file, or a link or device that claims the size of a batch file."""
    info.size = len(content) if info.isreg() else IMAGES * 3073
    tar.addfile(info, io.BytesIO(content) if info.isreg() else None)


def member(name, kind=tarfile.REGTYPE, linkname=""):
    info = tarfile.TarInfo(name if "/" in name else f"cifar-10-batches-bin/{name}")
    info.type, info.linkname = kind, linkname
    return info


ARCHIVE = archive()
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


# What a mirror sends at once (b"": half of the archive), and what again and again.
TRICKLES = {
    "slow": (b"", b"x"),
    "headers": (b"HTTP/1.1 200 OK\r\nX-Header: ", b"x"),
    "continue": (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"x"),
}


class Mirror(http.server.BaseHTTPRequestHandler):
    """A mirror that behaves as the first part of the path says."""

    def do_GET(self):
        server, how = self.server, self.path.split("/")[1]
        server.requests.append(how)
        content, go_on = server.content, server.go_on
        half = len(content) // 2
        if how == "missing":
            self.send_error(404)
        elif how == "silent":
            go_on.wait(120)
        elif how == "wrong":
            self.send(b"x" * len(content), len(content))
        elif how == "cut":
            self.send(content[:half], len(content))
        elif how == "held":
            self.send(content[:half], len(content))
            go_on.wait(120)
            self.send(content[half:])
        elif how in TRICKLES:  # as fast as can be at first, then a little now and then
            first, then = TRICKLES[how]
            self.send(first or content[:half], None if first else len(content))
            end = time.monotonic() + 300  # if nobody breaks it off, the test fails and does not hang
            while not go_on.wait(0.02) and time.monotonic() < end:
                self.send(then)
        elif how == "endless":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.send(content)
        else:
            self.send(content, len(content))

    def send(self, content, length=None):
        if length is not None:
            self.send_response(200)
            self.send_header("Content-Length", length)
            self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is what some tests are about

    def url(self, how):
        return f"http://127.0.0.1:{self.server_port}/{how}/cifar-10-binary.tar.gz"


@pytest.fixture(scope="module")
def running_server():
    server = Server(("127.0.0.1", 0), Mirror)
    try:
        socket.create_connection(server.server_address, timeout=60).close()
    except OSError as error:
        server.server_close()
        pytest.skip(f"not even this machine can be reached: {error}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server(running_server, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = running_server
    server.requests, server.content, server.go_on = [], ARCHIVE, threading.Event()
    yield server
    server.go_on.set()


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The folder that CIFAR-10 lands in, with downloads allowed and small batch files expected."""
    root = tmp_path / "data"
    monkeypatch.setenv("ALEXNET_DATA", str(root))
    monkeypatch.delenv("ALEXNET_OFFLINE", raising=False)
    monkeypatch.setattr(cifar10, "IMAGES_PER_FILE", IMAGES)
    return root


def write_folder(root):
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for name, (_, _, content) in BATCHES.items():
        (folder / name).write_bytes(content)
    return folder


def dead():
    """Return an address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/cifar-10-binary.tar.gz"


def load(*mirrors, sha256=SHA256, patience=60.0, slowest=10_000):
    return data.load_cifar10(mirrors, sha256, slowest=slowest, patience=patience)


def assert_whole(loaded, root):
    """The six files are there bit for bit, what was loaded is what they hold, and nothing else lies about."""
    for number, name in enumerate(FILES):
        images, labels, content = BATCHES[name]
        assert (root / "cifar-10-batches-bin" / name).read_bytes() == content
        here = slice(number * IMAGES, (number + 1) * IMAGES) if number < 5 else slice(None)
        x, y = (loaded.x_train, loaded.y_train) if number < 5 else (loaded.x_test, loaded.y_test)
        np.testing.assert_array_equal(x[here], images)
        np.testing.assert_array_equal(y[here], labels)
    assert {path.name for path in (root / "cifar-10-batches-bin").iterdir()} == set(FILES)
    assert left_in(root) == {"cifar-10-batches-bin"}
    assert loaded.source == "CIFAR-10 (original binary archive)"


def assert_digits(loaded, root):
    """The digits stand in, and nothing that could be taken for CIFAR-10 is left."""
    assert loaded.class_names == tuple("0123456789")
    assert "digits" in loaded.source
    assert left_in(root) == set()


def left_in(root):
    return {path.name for path in root.iterdir()} - {"cifar-10.lock"} if root.exists() else set()


@pytest.fixture
def start():
    """Return a function that starts another Python process; none of them outlives the test."""
    with contextlib.ExitStack() as stack:

        def run(statements):
            head = f"import os; from alexnet_helpers import data; data.cifar10.IMAGES_PER_FILE = {IMAGES}\n"
            path = os.pathsep.join([str(COURSE), *filter(None, [os.environ.get("PYTHONPATH")])])
            environment = os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
            process = subprocess.Popen(
                [sys.executable, "-c", head + statements],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
            )  # fmt: skip
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield run


def load_statement(*mirrors):
    return f"loaded = data.load_cifar10({mirrors!r}, {SHA256!r}, slowest=0, patience=60); print(loaded.source)"


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


# Reading


def test_reads_a_local_folder_without_asking_any_mirror(server, root):
    write_folder(root)
    loaded = load(server.url("good"))
    assert_whole(loaded, root)
    assert server.requests == []
    assert loaded.x_train.shape == (5 * IMAGES, 32, 32, 3) and loaded.x_test.shape == (IMAGES, 32, 32, 3)
    assert loaded.x_train.dtype == loaded.x_test.dtype == np.uint8
    assert loaded.y_train.dtype == loaded.y_test.dtype == np.int64
    assert loaded.x_train.flags.c_contiguous and loaded.x_test.flags.c_contiguous
    assert loaded.class_names == data.CLASS_NAMES and loaded.class_names[3] == "cat"


def test_source_file_goes_into_source(root):
    (write_folder(root) / "SOURCE.txt").write_text("a copy of some kind\n", encoding="utf-8")
    assert load(dead()).source == "a copy of some kind"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "61,459 bytes"),
        (lambda file: file.write_bytes(file.read_bytes()[: 10 * 3073]), "30,730 bytes"),
        (lambda file: file.write_bytes(b""), " 0 bytes"),
        (lambda file: file.write_bytes(b"\x00" * 3073 + b"\x0a" + b"\x00" * (19 * 3073 - 1)), "label 10"),
        (lambda file: file.unlink(), "lacks data_batch_3.bin"),
    ],
)
def test_damaged_folder_is_named_with_what_to_do(server, root, damage, says):
    folder = write_folder(root)
    damage(folder / "data_batch_3.bin")
    with pytest.raises(ValueError, match=r"data_batch_3\.bin.*delete th.* folder.*load again") as error:
        load(server.url("good"))
    assert says in str(error.value) and str(folder) in str(error.value)
    assert server.requests == []


def test_folder_that_holds_nothing_is_not_passed_over(root):
    (root / "cifar-10-batches-bin").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"lacks data_batch_1\.bin.*test_batch\.bin"):
        load(dead())


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("slowest", -1, "a number, 0 or more"),
        ("slowest", float("nan"), "a number, 0 or more"),
        ("slowest", "1", "a number, 0 or more"),
        ("patience", 0, "a number above 0 to 86400"),
        ("patience", float("inf"), "a number above 0 to 86400"),
        ("patience", None, "a number above 0 to 86400"),
        ("mirrors", "http://127.0.0.1/cifar-10-binary.tar.gz", "a list of addresses"),
        ("mirrors", [None], "a list of addresses"),
        ("mirrors", 5, "a list of addresses"),
        ("sha256", "abc", "64 hexadecimal digits"),
        ("sha256", None, "64 hexadecimal digits"),
    ],
)
def test_bad_arguments_of_load_cifar10_are_named(server, root, name, value, needed):
    with pytest.raises(ValueError, match=f"^{name} must be {needed}, got "):
        data.load_cifar10(**{"mirrors": (), name: value})
    assert not root.exists()


MEASURE = """
import re
from pathlib import Path
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1000
data.sample_photo(8)
before = peak()
data.read_photo({photo!r})
photo = peak()
data.cifar10.IMAGES_PER_FILE = 10_000
loaded = data.load_cifar10(mirrors=())
print(photo - before, peak() - before, loaded.x_train.nbytes + loaded.x_test.nbytes, loaded.x_train.dtype)
"""
reads_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak of the memory is read from /proc"
)


@reads_proc
def test_neither_all_of_cifar10_nor_a_large_photo_takes_much_memory(start, tmp_path, monkeypatch):
    if not cifar10_is_here():  # files of the same size do
        folder = tmp_path / "cifar-10-batches-bin"
        folder.mkdir()
        for name in FILES:
            (folder / name).touch()
            os.truncate(folder / name, 30_730_000)
        monkeypatch.setenv("ALEXNET_DATA", str(tmp_path))
    photo = tmp_path / "large.png"
    Image.new("1", (4500, 4500)).save(photo)  # 20 million pixels in a few kB, a byte each when decoded
    output, errors = start(MEASURE.format(photo=str(photo))).communicate(timeout=600)
    for_photo, for_all, size, kind = output.split()
    assert (size, kind) == (str(60_000 * 3072), "uint8"), errors
    assert 18 < float(for_photo) < 50  # a copy with four channels would take 81 MB
    assert 150 < float(for_all) < 600


def cifar10_is_here():
    return cifar10._find_folder(folders.data_folders()) is not None


def test_alexnet_data_may_name_the_folder_of_the_files_itself(server, root, tmp_path, monkeypatch):
    folder = root / "cifar-10-batches-bin"
    monkeypatch.setenv("ALEXNET_DATA", str(folder))
    assert_whole(load(server.url("good")), root)  # which lands in it
    assert_whole(load(dead()), root)
    renamed = root / "cifar"
    folder.rename(renamed)
    monkeypatch.setenv("ALEXNET_DATA", str(renamed))
    np.testing.assert_array_equal(load(dead()).x_test, BATCHES["test_batch.bin"][0])
    (renamed / "data_batch_2.bin").write_bytes(b"short")  # there, nobody is told to delete a folder
    with pytest.raises(ValueError, match=r"delete \S*/cifar/data_batch_2\.bin and load again$"):
        load(dead())
    (renamed / "data_batch_2.bin").unlink()
    assert load(server.url("good")).source.startswith("CIFAR-10")
    inner = tmp_path / "cifar-10-batches-bin"  # a folder of that name around the folder of that name
    inner.mkdir()
    shutil.move(renamed / "cifar-10-batches-bin", inner / "cifar-10-batches-bin")
    monkeypatch.setenv("ALEXNET_DATA", str(inner))
    assert load(dead()).source.startswith("CIFAR-10")
    assert server.requests == ["good", "good"]


def test_a_relative_alexnet_data_starts_at_the_course_wherever_a_notebook_runs(root, tmp_path, monkeypatch):
    write_folder(tmp_path / "course" / "some" / "where")
    monkeypatch.setattr(folders, "DATA_FOLDER", tmp_path / "course" / "data")
    monkeypatch.setenv("ALEXNET_DATA", "some/where")
    for folder in ("notebooks", "solutions"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        assert load(dead()).source.startswith("CIFAR-10")


def test_an_alexnet_data_of_an_unknown_user_is_named(root, monkeypatch):
    monkeypatch.setenv("ALEXNET_DATA", "~no-such-user/x")
    with pytest.raises(ValueError, match=r"^ALEXNET_DATA must be the path of a file or folder, got '~no-such-user/x'"):
        load(dead())


def test_cifar10_itself_when_it_is_here():
    if not cifar10_is_here():
        pytest.skip("CIFAR-10 is not on this machine")
    loaded = load(dead())
    np.testing.assert_array_equal(np.bincount(loaded.y_train), [5_000] * 10)
    np.testing.assert_array_equal(np.bincount(loaded.y_test), [1_000] * 10)
    np.testing.assert_allclose(loaded.x_train[::10].mean(axis=(0, 1, 2)), [125.3, 123.0, 113.9], atol=2)


# Without a network


def test_offline_starts_no_download(server, root, monkeypatch, capsys):
    monkeypatch.setenv("ALEXNET_OFFLINE", "1")
    loaded = load(server.url("good"))
    assert_digits(loaded, root)
    assert server.requests == [] and not root.exists()
    printed = capsys.readouterr()
    assert "ALEXNET_OFFLINE" in printed.out and "digits" in printed.out and printed.err == ""


def test_digits_have_the_form_of_cifar10(root, monkeypatch):
    from sklearn.datasets import load_digits

    monkeypatch.setenv("ALEXNET_OFFLINE", "1")
    first, again = load(dead()), load(dead())
    assert first.x_train.shape == (1541, 32, 32, 3) and first.x_test.shape == (256, 32, 32, 3)
    assert first.x_train.dtype == np.uint8 and first.y_train.dtype == np.int64
    assert (first.x_train.min(), first.x_train.max()) == (0, 255)
    assert first.x_train.flags.c_contiguous and first.x_test.flags.c_contiguous
    assert np.bincount(first.y_test).min() >= 15 and np.bincount(first.y_train).min() >= 140
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    # The middle of every 4 x 4 block, back in the digits' scale of 0 to 16, is scikit-learn's digit.
    digits = load_digits()
    test = np.arange(6, 1797, 7)
    np.testing.assert_array_equal(np.round(first.x_test[:, 2::4, 2::4, 1] / 255 * 16), digits.images[test])
    np.testing.assert_array_equal(first.y_test, digits.target[test])


def test_network_cut_off(root, monkeypatch, capsys):
    def unreachable(*args, **kwargs):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert_digits(data.load_cifar10(), root)
    printed = capsys.readouterr().out
    assert "Giving up storage.googleapis.com" in printed and "Giving up www.cs.toronto.edu" in printed
    assert "handwritten digits" in printed
    assert data.sample_photo().shape == (227, 227, 3)


# Mirrors


def test_download(server, root, capsys):
    assert_whole(load(server.url("good")), root)
    printed = capsys.readouterr()
    assert str(root) in printed.out and "100%|" in printed.err
    assert_whole(load(server.url("good")), root)
    assert server.requests == ["good"]


@pytest.mark.parametrize(
    ("bad", "says"), [("missing", "404"), ("wrong", "does not match the known hash"), ("cut", "Connection broken")]
)
def test_bad_mirror_is_left_for_the_next(server, root, capsys, bad, says):
    assert_whole(load(server.url(bad), server.url("good")), root)
    assert server.requests == [bad, "good"]
    printed = capsys.readouterr().out
    assert "Giving up 127.0.0.1" in printed and says in printed


def test_dead_mirror_is_left_for_the_next(server, root, capsys):
    assert_whole(load(dead(), server.url("good")), root)
    assert "Giving up 127.0.0.1" in capsys.readouterr().out


def test_mirror_that_holds_a_download_is_left_for_the_next(server, root, capsys):
    assert_whole(load(server.url("headers"), server.url("good"), patience=3), root)
    assert server.requests == ["headers", "good"]
    assert re.search(r"Giving up 127\.0\.0\.1:\d+: timed out: nothing in 3", capsys.readouterr().out)


def downloader(slowest=0, patience=60.0):
    return downloads.Downloader(slowest, patience, len(ARCHIVE), "CIFAR-10", "load_cifar10")


def test_whatever_a_mirror_hangs_in_it_is_given_up(server, tmp_path):
    kinds = {"silent": "timed out", "slow": "kB/s, less than 10 kB/s", "headers": "", "continue": "", "chunks": ""}

    def fetch(kind):
        with pytest.raises((OSError, ValueError)) as error:
            downloader(slowest=10_000, patience=0.5)(server.url(kind), tmp_path / kind, None)
        return str(error.value)

    with concurrent.futures.ThreadPoolExecutor(len(kinds)) as pool:
        try:
            told = dict(zip(kinds, pool.map(fetch, kinds, timeout=200), strict=True))
        finally:
            server.go_on.set()
    for kind, says in kinds.items():
        assert (says or "timed out: nothing in") in told[kind], kind
    assert sorted(server.requests) == sorted(kinds)


def test_mirror_without_end_is_left_for_the_next(server, root, monkeypatch, capsys):
    monkeypatch.setattr(cifar10, "ARCHIVE_BYTES", len(ARCHIVE))
    written = []

    class Counted(io.FileIO):
        def write(self, content):
            written.append(len(content))
            return super().write(content)

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "open", Counted, raising=False)
        with pytest.raises(ConnectionError, match="more than"):
            downloader()(server.url("endless"), root.parent / "file", None)
    assert sum(written) <= len(ARCHIVE)
    assert_whole(load(server.url("endless"), server.url("good")), root)
    assert f"it sends more than the {len(ARCHIVE):,} bytes of CIFAR-10" in capsys.readouterr().out
    shutil.rmtree(root)
    monkeypatch.setattr(cifar10, "ARCHIVE_BYTES", len(ARCHIVE) - 1)
    assert_digits(load(server.url("good")), root)


@pytest.mark.parametrize(
    ("received", "seconds", "slowest", "says"),
    [
        (15_000, 10, 10_000, "1.5 kB/s, less than 10 kB/s"),
        (99_999, 10, 10_000, "10.0 kB/s, less than 10 kB/s"),
        (100_000, 10, 10_000, ""),
        (6_000, 0.5, 10_000, ""),
        (1, 10, 0, ""),
        (0, 10, 0, "timed out: nothing in 10.0 s"),
    ],
)
def test_the_speed_that_is_asked_for_is_per_second(received, seconds, slowest, says):
    told = downloader(slowest=slowest)._complaint(received, seconds)
    assert told.startswith(says) and bool(told) == bool(says)


def test_slow_mirror_is_waited_for_when_asked(server, root):
    part = root / "cifar-10.part"

    def go_on_when_half_is_here():
        wait_until(lambda: part.exists() and any(file.stat().st_size for file in part.iterdir()))
        server.go_on.set()

    waiting = threading.Thread(target=go_on_when_half_is_here)
    waiting.start()
    assert_whole(load(server.url("held"), patience=120, slowest=0), root)
    waiting.join()


@pytest.mark.parametrize("bad", ["missing", "wrong", "cut"])
def test_nothing_is_left_when_no_mirror_delivers(server, root, capsys, bad):
    assert_digits(load(server.url(bad), server.url(bad)), root)
    assert server.requests == [bad, bad]
    assert "no mirror delivered it" in capsys.readouterr().out
    assert_whole(load(server.url("good")), root)


# Archives


@pytest.mark.parametrize(
    "extra",
    [
        (member("evil.bin"), b"evil"),
        (member("cifar-10-batches-bin/../../escaped.bin"), b"evil"),
        (member("../../escaped.bin"), b"evil"),
        (member("cifar-10-batches-bin/sub/data_batch_1.bin"), b"evil"),
        (member("link.bin", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (member("pipe.bin", tarfile.FIFOTYPE), b""),
        (member("device.bin", tarfile.CHRTYPE), b""),
        (member("batches.meta.txt"), b"airplane\n"),
    ],
    ids=lambda extra: extra[0].name,
)
def test_only_the_six_files_leave_the_archive(server, root, extra):
    server.content = archive([extra])
    assert_whole(load(server.url("good"), sha256=hashlib.sha256(server.content).hexdigest()), root)
    assert {path.name for path in root.parent.iterdir()} == {"data"}


@pytest.mark.parametrize(
    "bad",
    [
        (member("data_batch_2.bin", tarfile.SYMTYPE, "data_batch_1.bin"), b""),
        (member("data_batch_2.bin", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (member("data_batch_2.bin", tarfile.FIFOTYPE), b""),
        (member("data_batch_2.bin"), b"too short"),
        (None, b""),
    ],
    ids=["link", "link outside", "pipe", "short", "missing"],
)
def test_archive_that_is_not_cifar10_leaves_nothing(server, root, capsys, bad):
    server.content = archive(changed={"data_batch_2.bin": bad})
    assert_digits(load(server.url("good"), sha256=hashlib.sha256(server.content).hexdigest()), root)
    assert "data_batch_2.bin" in capsys.readouterr().out


@pytest.mark.parametrize("content", [ARCHIVE[:100_000], b"no archive", b""], ids=["truncated", "text", "empty"])
def test_file_that_is_no_archive_leaves_nothing(server, root, content):
    server.content = content
    assert_digits(load(server.url("good"), sha256=hashlib.sha256(content).hexdigest()), root)


# Disks


@contextlib.contextmanager
def small_disk(folder, kilobytes):
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("kilobytes", [200, 500], ids=["while downloading", "while unpacking"])
def test_full_disk(server, root, capsys, kilobytes):
    with small_disk(root, kilobytes):
        (root / "results.csv").write_text("epoch\n")
        loaded = load(server.url("good"), server.url("good"))
        assert "digits" in loaded.source
        assert left_in(root) == {"results.csv"} and (root / "results.csv").read_text() == "epoch\n"
        assert server.requests == ["good"]  # another mirror would not help
        assert "the disk is full" in capsys.readouterr().out


@pytest.mark.parametrize("room", [100_000, 400_000], ids=["while downloading", "while unpacking"])
def test_full_disk_simulated(server, root, monkeypatch, capsys, room):
    written = 0

    class Full(io.FileIO):
        def write(self, content):
            nonlocal written
            written += len(content)
            if written > room:
                raise OSError(28, "No space left on device")
            return super().write(content)

    monkeypatch.setattr(downloads, "open", Full, raising=False)
    monkeypatch.setattr(tarfile, "bltn_open", Full)  # by which tarfile writes what it unpacks
    assert_digits(load(server.url("good"), server.url("good")), root)
    assert server.requests == ["good"]
    assert "the disk is full" in capsys.readouterr().out


@pytest.fixture
def as_nobody():
    """Give up the rights of root, to whom no folder is read-only."""
    if not hasattr(os, "geteuid"):
        pytest.skip("permissions are those of Unix")
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(65534)
    except OSError:  # in a user namespace of `unshare -r`
        pytest.skip("there is no other user here")
    yield
    os.seteuid(0)


def test_read_only_checkout_uses_the_cache(server, root, monkeypatch, capsys, request):
    base = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    request.addfinalizer(lambda: shutil.rmtree(base))
    (base / "data").mkdir()
    (base / "cache").mkdir()
    base.chmod(0o755)
    (base / "data").chmod(0o555)
    (base / "cache").chmod(0o777)
    monkeypatch.delenv("ALEXNET_DATA")
    monkeypatch.setattr(folders, "DATA_FOLDER", base / "data")
    monkeypatch.setattr("pooch.os_cache", lambda name: base / "cache" / name)
    load(dead())  # imports what it needs while it may read every file
    shutil.rmtree(base / "cache" / "alexnet-course", ignore_errors=True)
    request.getfixturevalue("as_nobody")
    capsys.readouterr()
    assert_whole(load(server.url("good")), base / "cache" / "alexnet-course")
    printed = capsys.readouterr().out
    assert f"{base / 'data'} cannot be written to: CIFAR-10 goes into {base / 'cache' / 'alexnet-course'}" in printed
    assert_whole(load(server.url("good")), base / "cache" / "alexnet-course")
    assert server.requests == ["good"] and left_in(base / "data") == set()


def test_no_folder_can_be_written_to(server, root, monkeypatch, capsys):
    root.write_text("a file where the folder should be")
    monkeypatch.setenv("ALEXNET_DATA", str(root / "below"))
    assert "digits" in load(server.url("good")).source
    assert "cannot be written to: set ALEXNET_DATA" in capsys.readouterr().out
    assert server.requests == []


@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_what_is_in_the_way_of_the_download_is_named_and_left(server, root, tmp_path, capsys, kind):
    other, part = tmp_path / "other", root / "cifar-10.part"
    root.mkdir()
    if kind == "file":
        part.write_text("mine")
    else:
        part.symlink_to(other, target_is_directory=True)
        if kind == "link":
            other.mkdir()
            (other / "mine").touch()
    assert "digits" in load(server.url("good")).source
    assert f"{part} is in the way; remove it" in capsys.readouterr().out
    assert left_in(root) == {"cifar-10.part"} and server.requests == []
    assert not other.exists() or [path.name for path in other.iterdir()] == ["mine"]
    part.unlink()
    assert_whole(load(server.url("good")), root)


@pytest.mark.parametrize("kind", ["folder", "link", "dangling link"])
def test_what_is_in_the_place_of_the_lock_is_named_and_left(server, root, tmp_path, capsys, kind):
    other, lock = tmp_path / "other", root / "cifar-10.lock"
    root.mkdir()
    if kind == "folder":
        lock.mkdir()
    else:
        lock.symlink_to(other)
        if kind == "link":
            other.write_text("mine")
    assert "digits" in load(server.url("good")).source
    assert f"{lock} is in the way; remove it" in capsys.readouterr().out
    assert server.requests == []
    assert other.read_text() == "mine" if kind == "link" else not other.exists()
    lock.rmdir() if kind == "folder" else lock.unlink()
    assert_whole(load(server.url("good")), root)


# Processes


def test_two_processes_at_once_download_once(server, root, start):
    processes = [start(load_statement(server.url("held"))) for _ in range(2)]
    printed = [[], []]

    def listen(number):
        printed[number].extend(iter(processes[number].stdout.readline, ""))

    listeners = [threading.Thread(target=listen, args=[number]) for number in range(2)]
    for listener in listeners:
        listener.start()
    wait_until(lambda: any("Waiting for another process" in line for lines in printed for line in lines))
    server.go_on.set()
    errors = [process.stderr.read() for process in processes]
    for process, listener in zip(processes, listeners, strict=True):
        assert process.wait(120) == 0, errors
        listener.join()
    assert [lines[-1] for lines in printed] == ["CIFAR-10 (original binary archive)\n"] * 2
    assert server.requests == ["held"]
    assert_whole(load(), root)


KILL_UNPACKING = "os.fsync = lambda file: os.kill(os.getpid(), 9)\n"
KILL_RENAMING = """
rename = os.rename
def kill(old, new):
    if str(new).endswith(data.folders.CIFAR10_FOLDER):
        os.kill(os.getpid(), 9)
    rename(old, new)
os.rename = kill
"""


@pytest.mark.parametrize("prepare", [None, KILL_UNPACKING, KILL_RENAMING], ids=["downloading", "unpacking", "renaming"])
def test_killed_and_run_again(server, root, start, prepare):
    how = "good" if prepare else "held"
    process = start((prepare or "") + load_statement(server.url(how)))
    if not prepare:
        part = root / "cifar-10.part"
        wait_until(lambda: part.exists() and any(file.stat().st_size for file in part.iterdir()))
        process.kill()
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert left_in(root) == {"cifar-10.part"}
    assert_whole(load(server.url("good")), root)


def test_good_data_survive_whatever_comes_after(server, root):
    write_folder(root)
    shutil.copytree(root / "cifar-10-batches-bin", root / "cifar-10.part")
    assert cifar10._download([root], None, (), SHA256) == root / "cifar-10-batches-bin"
    shutil.rmtree(root / "cifar-10.part")
    assert_whole(load(dead()), root)


# The photo


def test_photo_is_the_middle_of_the_cat():
    import skimage.data
    import skimage.transform

    middle = skimage.data.cat()[:, 75:375]
    photo = data.sample_photo()
    assert photo.shape == (227, 227, 3) and photo.dtype == np.uint8 and photo.flags.c_contiguous
    other_way = skimage.transform.resize(middle, (227, 227), anti_aliasing=True) * 255
    assert np.abs(photo - other_way).mean() < 3
    np.testing.assert_array_equal(data.sample_photo(300), middle)
    assert abs(photo.mean() - middle.mean()) < 1


def test_photo_is_the_same_everywhere():
    assert hashlib.sha256(data.sample_photo()).hexdigest()[:12] == "f69d39d9cbd4"
    photo = data.sample_photo()
    photo[:] = 0
    assert data.sample_photo().any()


@pytest.mark.parametrize("size", [1, 32, np.int64(64), 512])
def test_photo_sizes(size):
    assert data.sample_photo(size).shape == (size, size, 3)


@pytest.mark.parametrize("size", [0, -1, 227.0, 22.7, "227", None, True, 4097, (227, 227)])
def test_bad_photo_sizes(size):
    with pytest.raises(ValueError, match=r"^size must be an integer from 1 to 4096, got "):
        data.sample_photo(size)


# What takes the place of CIFAR-10's photos in stored figures


def test_images_are_shown_unless_the_switch_is_off(monkeypatch, capsys):
    images = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    titles = [f"image {number}" for number in range(12)]
    for how in (None, "1", ""):
        monkeypatch.delenv("ALEXNET_SHOW_IMAGES") if how is None else monkeypatch.setenv("ALEXNET_SHOW_IMAGES", how)
        pictures, names = data.showable(images, titles)
        np.testing.assert_array_equal(pictures, images)
        assert names == titles and capsys.readouterr().out == ""

    monkeypatch.setenv("ALEXNET_SHOW_IMAGES", "0")
    pictures, names = data.showable(images, titles)
    assert "run this cell yourself" in capsys.readouterr().out
    assert pictures.shape == images.shape and pictures.dtype == np.uint8
    assert names == [*photos.STAND_INS, *photos.STAND_INS[:2]]
    np.testing.assert_array_equal(pictures[0], data.sample_photo(32))  # the cat, whole
    whole, zoomed = (pictures[number].astype(int) for number in (0, 10))
    assert np.abs(whole - zoomed).mean() > 10
    assert len({picture.tobytes() for picture in pictures}) == 12
    assert not any((picture == image).all() for picture in pictures for image in images)


def test_every_stand_in_can_be_drawn_in_every_size():
    for size in (1, 32, 40):
        pictures, _ = data.showable(np.zeros((30, size, size, 3), np.uint8), ["black"] * 30)
        assert pictures.shape == (30, size, size, 3)


@pytest.mark.parametrize(
    ("images", "titles", "says"),
    [
        (np.zeros((2, 8, 9, 3), np.uint8), ["a", "b"], r"^images must be square, N x size x size x 3, got "),
        (np.zeros((2, 8, 8, 3), np.float32), ["a", "b"], r"^images must be uint8 images N x height x width x 3 "),
        (np.zeros((2, 8, 8, 3), np.uint8), ["a"], r"^titles must be a list of texts, one for each image, got "),
        (np.zeros((2, 8, 8, 3), np.uint8), "ab", r"^titles must be a list of texts, one for each image, got 'ab'"),
    ],
)
def test_what_cannot_be_shown_is_named(images, titles, says):
    with pytest.raises(ValueError, match=says):
        data.showable(images, titles)


# The reader's own photo


PHOTO = np.random.default_rng(5).integers(0, 256, (40, 60, 3), dtype=np.uint8)
SQUARE = PHOTO[:, 10:50]


def encoded(picture, format="png", **options):
    content = io.BytesIO()
    picture.save(content, format=format, **options)
    return content.getvalue()


def test_own_photo_as_path_and_as_bytes(tmp_path):
    content = encoded(Image.fromarray(PHOTO))
    file = tmp_path / "a photo.png"
    file.write_bytes(content)
    for given in (file, str(file), content, memoryview(content)):
        found = data.read_photo(given, 40)
        np.testing.assert_array_equal(found, SQUARE)
        assert found.dtype == np.uint8
    assert data.read_photo(content).shape == (32, 32, 3)
    tall = encoded(Image.fromarray(PHOTO.transpose(1, 0, 2)))
    np.testing.assert_array_equal(data.read_photo(tall, 40), SQUARE.transpose(1, 0, 2))
    np.testing.assert_array_equal(
        data.read_photo(encoded(Image.fromarray(skimage.data.cat())), 227), data.sample_photo(227)
    )


def test_own_photo_of_every_kind():
    grey = PHOTO[:, :, 0]
    expected = np.repeat(SQUARE[:, :, :1], 3, axis=2)
    np.testing.assert_array_equal(data.read_photo(encoded(Image.fromarray(grey)), 40), expected)
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    np.testing.assert_array_equal(data.read_photo(encoded(deep), 40), expected)
    alpha = np.dstack([PHOTO, np.where(np.arange(60) < 30, 0, 255)[np.newaxis].repeat(40, 0).astype(np.uint8)])
    half_white = SQUARE.copy()
    half_white[:, :20] = 255
    np.testing.assert_array_equal(data.read_photo(encoded(Image.fromarray(alpha)), 40), half_white)
    few_colours = Image.fromarray(PHOTO).quantize(8)
    np.testing.assert_array_equal(
        data.read_photo(encoded(few_colours, "gif"), 40), np.asarray(few_colours.convert("RGB"))[:, 10:50]
    )
    one_bit = Image.fromarray(grey).convert("1")
    assert set(np.unique(data.read_photo(encoded(one_bit), 40))) == {0, 255}
    cmyk = data.read_photo(encoded(Image.fromarray(np.full((9, 9, 3), 200, np.uint8)).convert("CMYK"), "jpeg"), 5)
    assert np.abs(cmyk - 200.0).max() < 6
    first_of_two = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    film = encoded(first_of_two[0], "gif", save_all=True, append_images=first_of_two[1:])
    assert data.read_photo(film, 8)[0, 0].tolist() == [255, 0, 0]
    assert data.read_photo(encoded(Image.new("RGB", (1, 1), "lime")), 3).tolist() == [[[0, 255, 0]] * 3] * 3


TURNABLE = {"png": {}, "tiff": {}, "webp": {"lossless": True}, "jpeg": {"quality": 100}, "mpo": {"quality": 100}}


@pytest.mark.parametrize("form", TURNABLE)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_own_photo_is_turned_upright(form, orientation):
    smooth = Image.fromarray(np.random.default_rng(1).integers(0, 256, (5, 6, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    for width, height in ((40, 61), (61, 40)):
        lying = smooth.resize((width, height), Image.Resampling.BICUBIC)
        content = encoded(lying, form, exif=exif, **TURNABLE[form])
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
        for size in (40, 32):  # 40: each pixel as it is
            expected = data.read_photo(encoded(upright), size)
            np.testing.assert_array_equal(data.read_photo(content, size), expected)
        side, left, top = 40, (upright.width - 40) // 2, (upright.height - 40) // 2
        square = np.asarray(upright)[top : top + side, left : left + side]
        np.testing.assert_array_equal(data.read_photo(content, 40), square)


def exif_of(*entries, after=b""):
    """Return EXIF with an orientation of 6 and what no library writes: (tag, type, count, value or offset)."""
    rows = [struct.pack("<HHLHH", 0x112, 3, 1, 6, 0)]
    rows += [struct.pack("<HHL", *entry[:3]) + entry[3] for entry in entries]
    first = b"Exif\0\0II*\0" + struct.pack("<LH", 8, len(rows))
    return first + b"".join(sorted(rows)) + struct.pack("<L", 0) + after


ODD_EXIF = {
    "resolution -1/0": exif_of((0x11A, 10, 1, struct.pack("<L", 38)), after=struct.pack("<ll", -1, 0)),
    "two units": exif_of((0x128, 5, 2, struct.pack("<L", 38)), after=struct.pack("<LLLL", 1, 1, 1, 1)),
    "negative width": exif_of((0x100, 9, 1, struct.pack("<l", -5))),
    "a byte as width": exif_of((0x100, 6, 1, struct.pack("<bxxx", -5))),
    "pointer before the file": exif_of((0x8769, 9, 1, struct.pack("<l", -5))),
    "pointer past the file": exif_of((0x8769, 4, 1, struct.pack("<L", 2**31))),
}


@pytest.mark.parametrize("odd", ODD_EXIF)
def test_odd_exif_keeps_no_photo_from_being_shown_upright(odd):
    lying = Image.fromarray(PHOTO)
    expected = np.rot90(PHOTO, -1)[10:50]
    for form, options in (("png", {}), ("webp", {"lossless": True})):
        found = data.read_photo(encoded(lying, form, exif=ODD_EXIF[odd], **options), 40)
        np.testing.assert_array_equal(found, expected)
    plain = data.read_photo(encoded(lying, "jpeg"), 40)
    turned = data.read_photo(encoded(lying, "jpeg", exif=ODD_EXIF[odd]), 40)
    np.testing.assert_array_equal(turned, np.rot90(plain, -1))


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0" + b"\xff" * 30, exif_of()[:20]])
def test_damaged_exif_leaves_a_photo_as_it_is(exif):
    np.testing.assert_array_equal(data.read_photo(encoded(Image.fromarray(PHOTO), exif=exif), 40), SQUARE)


DEEP = np.random.default_rng(7).integers(0, 65_536, (40, 40, 3)).astype(np.uint16)
GREY = DEEP[..., 0]
EIGHT_BITS = np.round(GREY / 257)[..., np.newaxis]


def tiff(planes, bits, photometric, order="<", kind=1, packed=False, **tags):
    """Return an image as TIFF, written field by field: 40 x 40 pixels, uncompressed unless `packed`."""
    planes = [zlib.compress(plane) for plane in planes] if packed else planes
    samples = tags.pop("samples", 1)
    fields = {256: (40,), 257: (40,), 258: (bits,) * samples, 259: (8 if packed else 1,), 262: (photometric,)}
    fields |= {277: (samples,), 278: (40,), 284: (2 if len(planes) > 1 else 1,), 339: (kind,) * samples}
    fields |= {338: (tags["extra"],)} if "extra" in tags else {}
    starts = [8 + sum(map(len, planes[:number])) for number in range(len(planes))]
    fields |= {273: starts, 279: [len(plane) for plane in planes]}
    after, rows, place = b"", b"", 8 + sum(map(len, planes))
    for tag, values in sorted(fields.items()):
        written = struct.pack(f"{order}{len(values)}L", *values)
        if len(values) > 1:
            after, written = after + written, struct.pack(f"{order}L", place + len(after))
        rows += struct.pack(f"{order}HHL", tag, 4, len(values)) + written
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}L", place + len(after))
    return head + b"".join(planes) + after + struct.pack(f"{order}H", len(fields)) + rows + bytes(4)


def png(values, bits, kind, transparent=()):
    """Return an array height x width (x channels) as PNG, written chunk by chunk."""
    rows = np.ascontiguousarray(values).reshape(len(values), -1)
    parts = (rows[..., np.newaxis] >> np.arange(bits)[::-1] & 1).astype(np.uint8)
    lines = np.packbits(parts.reshape(len(values), -1), axis=1)

    def chunk(name, content):
        return struct.pack(">L", len(content)) + name + content + struct.pack(">L", zlib.crc32(name + content))

    header = struct.pack(">LLBBBBB", values.shape[1], len(values), bits, kind, 0, 0, 0)
    middle = chunk(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)) if transparent else b""
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(line) for line in lines)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle + pixels + chunk(b"IEND", b"")


def deep_photos():
    """Yield (name, file, expected values 0-255) of photos with more than 8 bits for a value."""
    for order in "<>":
        kind = order + "u2"
        whole, negative = GREY.astype(kind).tobytes(), (65_535 - GREY).astype(kind).tobytes()
        planes = [DEEP[..., channel].astype(kind).tobytes() for channel in range(3)]
        for packed in (False, True):
            how = f"{order} {'packed' if packed else 'plain'}"
            yield f"tiff {how}", tiff([whole], 16, 1, order, packed=packed), EIGHT_BITS
            if order == "<":  # Pillow refuses the other
                yield f"tiff, white is zero {how}", tiff([negative], 16, 0, order, packed=packed), EIGHT_BITS
            colour = DEEP.astype(kind).tobytes()
            yield f"tiff in colour {how}", tiff([colour], 16, 2, order, packed=packed, samples=3), DEEP >> 8
        yield f"tiff in planes {order}", tiff(planes, 16, 2, order, packed=True, samples=3), DEEP >> 8
    twelve = GREY >> 4
    pairs = twelve.reshape(-1, 2).astype(np.uint32) @ [2**12, 1]
    packed = (pairs[:, np.newaxis] >> [16, 8, 0]).astype(np.uint8).tobytes()
    yield "tiff of 12 bits", tiff([packed], 12, 1), np.round(twelve / (4095 / 255))[..., np.newaxis]
    yield "png", png(GREY, 16, 0), EIGHT_BITS
    yield "png in colour", png(DEEP, 16, 2), DEEP >> 8
    yield "pgm", b"P5 40 40 65535\n" + GREY.astype(">u2").tobytes(), EIGHT_BITS
    yield "plain pgm", b"P2 40 40 65535\n" + " ".join(map(str, GREY.ravel())).encode(), EIGHT_BITS
    few = GREY % 1001
    yield "pgm to 1000", b"P5 40 40 1000\n" + few.astype(">u2").tobytes(), np.round(few / 1000 * 255)[..., np.newaxis]
    yield "jpeg 2000", encoded(Image.fromarray(GREY), "jpeg2000"), EIGHT_BITS


def test_photos_of_more_than_8_bits_keep_their_brightness_and_colours():
    for name, content, expected in deep_photos():
        found = data.read_photo(content, 40).astype(float)
        assert np.abs(found - expected).max() <= 1, name


@pytest.mark.parametrize("order", "<>")
def test_transparent_tiffs_lie_on_white(order):
    half = [b"\x40" * 1600] * 3 + [b"\x80" * 1600]
    straight, premultiplied = 0x40 * 128 / 255 + 127, 0x40 + 127
    for content, expected in [
        (tiff(half, 8, 2, order, samples=4, extra=2), straight),
        (tiff([b"\x40\x40\x40\x80" * 1600], 8, 2, order, samples=4, extra=1), premultiplied),
        (tiff([b"\x40\x80" * 1600], 8, 1, order, samples=2, extra=1), premultiplied),
        (tiff([b"\x40\x80" * 1600], 8, 1, order, samples=2, extra=2), straight),
    ]:
        try:
            found = data.read_photo(content, 4)
        except ValueError as error:  # of Pillow 11, for two channels
            assert "of a rare kind" in str(error) and Version(PIL.__version__) < Version("12")
        else:
            assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize(("bits", "kind"), [(1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (8, 2), (16, 2)])
def test_the_transparent_value_of_a_png_is_white(bits, kind):
    values = (DEEP if kind else GREY) >> (16 - bits)
    every = np.arange(2**bits, dtype=values.dtype) if bits <= 4 else [values[3, 5] * 0, values[3, 5]]
    for chosen in every:
        transparent = [int(value) for value in np.ravel(chosen)]
        expected = (
            np.round(values.reshape(40, 40, -1) / ((2**bits - 1) / 255)) if bits < 16 or not kind else values >> 8
        )
        expected = np.where((values == chosen).reshape(40, 40, -1).all(axis=2, keepdims=True), 255, expected)
        found = data.read_photo(png(values, bits, kind, transparent), 40)
        assert np.abs(found - expected).max() <= 0


def stored(values, **options):
    return encoded(Image.fromarray(values), **options)


REFUSED = {
    "grey values of a range that it does not tell: save it with 8 bits": [
        stored(GREY.astype(np.int32), format="tiff"),
        stored(GREY / np.float32(65_535), format="tiff"),
        stored(GREY.astype(np.float32), format="ppm"),
        tiff([GREY.tobytes()], 16, 1, kind=2),
        tiff([GREY.astype("<u4").tobytes()], 32, 1),
    ],
    "16-bit colours in separate planes: save it with 8 bits, or as PNG": [
        tiff([DEEP[..., channel].tobytes() for channel in range(3)], 16, 2, samples=3)
    ],
    "TIFF, damaged or of a rare kind, which cannot be read here: export": [
        tiff([GREY.tobytes()], 16, 2, samples=3, kind=3)
    ],
    "HEIC, the format of iPhones, which cannot be read here: export it as JPEG": [
        b"\0\0\0\x18ftyp" + brand + bytes(200) for brand in (b"heic", b"heix", b"mif1", b"hevc")
    ],
    "JPEG XL, which": [b"\xff\x0a" + bytes(50), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50)],
    "a camera's raw format, which": [b"\0\0\0\x18ftypcrx " + bytes(50), b"FUJIFILMCCD-RAW 0201"],
    "a video, which": [b"\0\0\0\x18ftypisom" + bytes(50), b"\0\0\0\x14ftypqt  " + bytes(50)],
    "PDF, which": [b"%PDF-1.7\n"],
    "SVG, a drawing, which": [b"<?xml version='1.0'?>\n<svg>", b"<svg xmlns='http://www.w3.org/2000/svg'>"],
    "a web page, which": [b"<!DOCTYPE html>\n<html>", b"\n<html>"],
    "EPS, of which Pillow gets no pixels: export": [encoded(Image.fromarray(PHOTO), "eps")],
    "an empty file": [b""],
    "a damaged image, which": [encoded(Image.fromarray(PHOTO), form)[:9] for form in ("png", "gif")],
    "no format that Pillow knows": [b"not an image at all"],
    "damaged, or of an unusual kind": [encoded(Image.fromarray(PHOTO))[:900]],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_not_shown_is_refused_with_a_reason(tmp_path, reason):
    for content in REFUSED[reason]:
        file = tmp_path / "it's a file.img"
        file.write_bytes(content)
        for given, name in ((file, f"'{file}'"), (content, f"{len(content):,} bytes")):
            with pytest.raises(ValueError) as error:
                data.read_photo(given)
            needed = "file must be an image that can be read, such as JPEG or PNG, got"
            assert str(error.value).startswith(f"{needed} {name} ({reason}")
            assert " at 0x" not in str(error.value) and "\n" not in str(error.value)


def test_avif_is_read_or_named():
    registered = Image.registered_extensions()
    if ".avif" in registered:
        found = data.read_photo(encoded(Image.new("RGB", (64, 64), "red"), "avif"))
        assert np.abs(found - [255.0, 0, 0]).max() < 10
    with pytest.raises(ValueError, match=r"\(AVIF, which cannot be read here"):
        data.read_photo(b"\0\0\0\x18ftypavif" + bytes(200))


def test_bad_places_of_an_own_photo(tmp_path):
    pipe = tmp_path / "pipe"
    if hasattr(os, "mkfifo"):
        os.mkfifo(pipe)
    for wrong, reason in [
        (tmp_path / "none.jpg", "there is no such file"),
        ("https://example.org/dog.jpg", "an address: download the photo first"),
        (tmp_path, "a folder"),
        *([(pipe, "not a file")] if pipe.exists() else []),
    ]:
        with pytest.raises(ValueError, match=r"^file must be an image") as error:
            data.read_photo(wrong)
        assert str(error.value).endswith(f", got '{wrong}' ({reason})")
    for wrong in (None, 7.5, ["a.png"], PHOTO):
        with pytest.raises(ValueError, match=r"^file must be the path of an image, or its content as bytes, got "):
            data.read_photo(wrong)
    for wrong in ("", "a\0.png"):
        with pytest.raises(ValueError, match=r"^file must be the path of a file or folder, got "):
            data.read_photo(wrong)
    with pytest.raises(ValueError, match=r"got 'a\\nb.png' \(there is no such file\)$"):
        data.read_photo("a\nb.png")
    with pytest.raises(ValueError, match=r"^size must be an integer from 1 to 4096, got 0$"):
        data.read_photo(encoded(Image.fromarray(PHOTO)), 0)


def test_photos_of_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch):
    content = png(np.zeros((1, 8), np.uint8), 8, 2)
    header = struct.pack(">LLBBBBB", 20_000, 10_000, 8, 2, 0, 0, 0)
    huge = content[:16] + header + struct.pack(">L", zlib.crc32(b"IHDR" + header)) + content[33:]
    with pytest.raises(ValueError, match=r"\(more than 179 million pixels: make it smaller\)$"):
        data.read_photo(huge)
    monkeypatch.setitem(decoding.MOST_PIXELS, "WEBP", 2_000)
    with pytest.raises(ValueError, match=r"\(0 million pixels, more than 0: make it smaller\)$"):
        data.read_photo(encoded(Image.fromarray(PHOTO), "webp"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", PHOTO[..., 0].size - 1)  # above it Pillow warns
    np.testing.assert_array_equal(data.read_photo(encoded(Image.fromarray(PHOTO)), 40), SQUARE)


def test_large_photos_look_as_small_ones(monkeypatch):
    photo = Image.fromarray(skimage.data.cat()).resize((904, 600), Image.Resampling.BICUBIC)
    as_jpeg, as_png = encoded(photo, "jpeg", quality=95), encoded(photo, compress_level=1)
    usual = data.read_photo(as_jpeg, 32), data.read_photo(as_png, 32)
    monkeypatch.setattr(decoding, "STRIP", 10_000)  # many strips
    np.testing.assert_array_equal(data.read_photo(as_png, 32), usual[1])
    monkeypatch.setattr(decoding, "LARGE", 1_000)
    np.testing.assert_array_equal(data.read_photo(as_png, 32), usual[1])
    smaller = data.read_photo(as_jpeg, 32).astype(float)
    assert 0 < np.abs(smaller - usual[0]).max() < 20  # another filter, the same picture
    assert np.abs(smaller - usual[0]).mean() < 1


FORMATS = ("bmp", "dds", "gif", "ico", "im", "jpeg", "jpeg2000", "pcx", "png", "ppm", "qoi", "sgi", "tga", "tiff",
           "webp", "avif", "mpo", "xbm", "msp")  # fmt: skip


def damaged(content, rng):
    """Yield a file cut off at some places, and with some bytes changed, most of them near the start."""
    for place in rng.integers(0, len(content), 8):
        yield content[:place]
    for count in (1, 1, 2, 3, 5, 9, 20, 50, 200, 1_000):
        changed = bytearray(content)
        for place in (len(content) * rng.random(count) ** 3).astype(int):
            changed[place] = rng.integers(256)
        yield bytes(changed)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.filterwarnings("ignore")  # as in a notebook, where Pillow's warnings end nothing
def test_a_damaged_file_is_shown_or_named_whatever_pillow_raises(form):
    rng = np.random.default_rng(len(form))
    photo = Image.fromarray(PHOTO).resize((64, 64))
    photo = photo.convert("1") if form in ("xbm", "msp") else photo
    try:
        contents = [encoded(photo, form)]
        if form == "tiff":
            contents += [encoded(photo, form, compression="tiff_lzw"), encoded(photo, form, compression="jpeg")]
    except (KeyError, OSError):
        pytest.skip(f"this Pillow does not write {form}")
    for content in contents:
        assert data.read_photo(content).shape == (32, 32, 3)
        for changed in damaged(content, rng):
            try:
                assert data.read_photo(changed).shape == (32, 32, 3)
            except ValueError as error:
                assert re.match(r"file must be an image that can be read, .*, got [\d,]+ bytes \(.+\)$", str(error))
                assert " at 0x" not in str(error)


def test_whatever_a_decoder_raises_becomes_that_value_error(monkeypatch):
    content = encoded(Image.fromarray(PHOTO))
    kinds = (
        struct.error,
        RuntimeError,
        IndexError,
        KeyError,
        RecursionError,
        OverflowError,
        AssertionError,
        BufferError,
    )
    for raised in (*(kind(f"in {object()!r}") for kind in kinds), ZeroDivisionError()):
        monkeypatch.setattr(Image, "open", lambda source, error=raised: (_ for _ in ()).throw(error))
        with pytest.raises(
            ValueError, match=r"\(damaged, or of an unusual kind: .*; try to export it anew\)$"
        ) as error:
            data.read_photo(content)
        assert " at 0x" not in str(error.value)
    monkeypatch.setattr(Image, "open", lambda source: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(ValueError, match=r"\(not enough memory: make it smaller\)$"):
        data.read_photo(content)


# --- a photo of the reader's own, in JupyterLab ---


def test_make_lab_takes_photos_of_up_to_200_megabytes():
    makefile = (COURSE / "Makefile").read_text("utf-8").replace("\\\n", " ")
    (command,) = re.findall(r"^\t\$\(python\) -m jupyterlab .*$", makefile, re.MULTILINE)
    (given,) = re.findall(r'--ServerApp\.tornado_settings="(.*?)"', command)
    assert ast.literal_eval(given) == {"websocket_max_message_size": 200 * 2**20}


def test_notebook_13_says_which_photo_it_shows(tmp_path, capsys):
    import nbformat

    cells = nbformat.read(COURSE / "notebooks" / "14_look_inside.ipynb", as_version=4).cells
    (source,) = [cell.source for cell in cells if "def chosen_photo" in cell.source]
    photo = tmp_path / "photo.png"
    Image.new("RGB", (50, 40), "red").save(photo)
    red, chelsea = data.read_photo(photo), data.sample_photo(32)
    file, shown = {"content": memoryview(photo.read_bytes())}, []
    for path, value, expected, says in [
        ("", (), chelsea, "Chelsea"),
        ("", {}, chelsea, "Chelsea"),
        ("", (file,), red, "The uploaded photo"),
        ("", {"photo.png": file}, red, "The uploaded photo"),  # ipywidgets 7
        (str(photo), (), red, "The photo in PHOTO"),
    ]:
        shown.clear()
        names = {"PHOTO": path, "upload": types.SimpleNamespace(value=value), "chelsea": chelsea, "np": np}
        names |= {"read_photo": data.read_photo, "answers": lambda image: [("cat", 0.88)], "trained": "network"}
        names |= {"CLASS_NAMES": data.CLASS_NAMES, "five_maps": lambda *given: given}
        names |= {"show_maps": lambda *given: shown.append(given)}
        exec(source, names)
        ((rows, alt),) = shown
        ((name, (image, (network, asked, number))),) = rows.items()
        np.testing.assert_array_equal(image, expected)
        assert (name, network, number) == ("cat 88%", "network", 3) and asked is image
        assert says in alt and "cat 88%" in alt
        assert ("No photo has arrived: this is Chelsea." in capsys.readouterr().out) == (expected is chelsea)
    exec(source, names | {"PHOTO": str(tmp_path)})
    assert "(a folder)" in capsys.readouterr().out
