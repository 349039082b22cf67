"""CIFAR-10's way into the course, with every way in which it can fail, against a server of our own.

No test reaches beyond this machine. The archive served here has CIFAR-10's form and a few images a file.
"""

import contextlib
import hashlib
import http.server
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from alexnet_helpers import data

IMAGES = 20  # in each batch file of the test's archive
FILES = ("data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
         "test_batch.bin")  # fmt: skip
COURSE = Path(data.__file__).resolve().parent.parent


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


class Mirror(http.server.BaseHTTPRequestHandler):
    """A mirror that behaves as the first part of the path says."""

    def do_GET(self):
        server, how = self.server, self.path.split("/")[1]
        server.requests.append(how)
        content = server.content
        if how == "missing":
            self.send_error(404)
        elif how == "silent":
            server.go_on.wait(30)
        elif how == "wrong":
            self.send(b"x" * len(content), len(content))
        elif how == "cut":
            self.send(content[: len(content) // 2], len(content))
        elif how == "slow":  # as fast as can be at first, then a byte now and then
            self.send(content[: len(content) // 2], len(content))
            for byte in content[len(content) // 2 :]:
                if server.go_on.wait(0.02):
                    break
                self.send(bytes([byte]))
        else:
            if how == "held":
                self.send(content[: len(content) // 2], len(content))
                server.go_on.wait(30)
                self.send(content[len(content) // 2 :])
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


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server(("127.0.0.1", 0), Mirror)
    try:
        socket.create_connection(server.server_address, timeout=5).close()
    except OSError as error:
        server.server_close()
        pytest.skip(f"not even this machine can be reached: {error}")
    server.requests, server.content, server.go_on = [], ARCHIVE, threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The folder that CIFAR-10 lands in, with downloads allowed and small batch files expected."""
    root = tmp_path / "data"
    monkeypatch.setenv("ALEXNET_DATA", str(root))
    monkeypatch.delenv("ALEXNET_OFFLINE", raising=False)
    monkeypatch.setattr(data, "IMAGES_PER_FILE", IMAGES)
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


def load(*mirrors, sha256=SHA256, patience=5.0, slowest=10_000):
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
            head = f"import os; from alexnet_helpers import data; data.IMAGES_PER_FILE = {IMAGES}\n"
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


@pytest.mark.parametrize("limits", [{"slowest": -1}, {"slowest": float("nan")}, {"patience": 0}, {"patience": -2.0}])
def test_bad_limits(limits):
    (name,) = limits
    with pytest.raises(ValueError, match=f"{name}=.*allowed"):
        data.load_cifar10(**limits)


MEASURE = """
import re
from pathlib import Path
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1000
data.IMAGES_PER_FILE, before = 10_000, peak()
loaded = data.load_cifar10(mirrors=())
print(peak() - before, loaded.x_train.nbytes + loaded.x_test.nbytes, loaded.x_train.dtype)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of the memory is read from /proc")
def test_all_of_cifar10_loads_in_under_600_megabytes(start, tmp_path, monkeypatch):
    if not cifar10_is_here():  # files of the same size do
        folder = tmp_path / "cifar-10-batches-bin"
        folder.mkdir()
        for name in FILES:
            (folder / name).touch()
            os.truncate(folder / name, 30_730_000)
        monkeypatch.setenv("ALEXNET_DATA", str(tmp_path))
    output, errors = start(MEASURE).communicate(timeout=120)
    megabytes, size, kind = output.split()
    assert (size, kind) == (str(60_000 * 3072), "uint8"), errors
    assert 150 < float(megabytes) < 600


def cifar10_is_here():
    return data._find(data._roots()) is not None


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


@pytest.mark.parametrize(("bad", "says"), [("slow", "kB/s, less than 10 kB/s"), ("silent", "timed out")])
def test_mirror_without_speed_is_left_for_the_next(server, root, capsys, bad, says):
    began = time.monotonic()
    assert_whole(load(server.url(bad), server.url("good"), patience=0.6), root)
    assert time.monotonic() - began < 60  # the whole file would take hours
    assert server.requests == [bad, "good"]
    assert says in capsys.readouterr().out


def test_slow_mirror_is_waited_for_when_asked(server, root):
    threading.Timer(1.0, server.go_on.set).start()
    assert_whole(load(server.url("held"), patience=5, slowest=0), root)


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
        (member("data_batch_2.bin", tarfile.LNKTYPE, "cifar-10-batches-bin/data_batch_1.bin"), b""),
        (member("data_batch_2.bin", tarfile.FIFOTYPE), b""),
        (member("data_batch_2.bin"), b"too short"),
        (None, b""),
    ],
    ids=["link", "link outside", "hard link", "pipe", "short", "missing"],
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

    monkeypatch.setattr(data, "open", Full, raising=False)
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
    monkeypatch.setattr(data, "DATA_FOLDER", base / "data")
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


KILL_UNPACKING = "data.os.fsync = lambda file: os.kill(os.getpid(), 9)\n"
KILL_RENAMING = """
rename = os.rename
def kill(old, new):
    if str(new).endswith(data.FOLDER):
        os.kill(os.getpid(), 9)
    rename(old, new)
data.os.rename = kill
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
    assert data._download([root], None, (), SHA256) == root / "cifar-10-batches-bin"
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
    with pytest.raises(ValueError, match=r"size=.*allowed is an integer from 1 to 4096"):
        data.sample_photo(size)


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


def test_own_photo_is_turned_upright():
    lying = Image.fromarray(PHOTO)
    exif = lying.getexif()
    exif[0x0112] = 6  # orientation: to be turned clockwise by a quarter
    upright = np.rot90(PHOTO, -1)[10:50]
    np.testing.assert_array_equal(data.read_photo(encoded(lying, exif=exif), 40), upright)


@pytest.mark.parametrize("content", [b"", b"not an image at all", encoded(Image.fromarray(PHOTO))[:900]])
def test_a_file_that_is_no_image_is_named(tmp_path, content):
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"file='.*notes.txt': no image that can be read .*; allowed are JPEG"):
        data.read_photo(file)
    with pytest.raises(ValueError, match=rf"file=\({len(content)} bytes\): no image"):
        data.read_photo(content)


def test_bad_places_of_an_own_photo(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"file='.*none.jpg': there is no such file"):
        data.read_photo(tmp_path / "none.jpg")
    for wrong in (tmp_path, None, 7.5, ["a.png"]):
        with pytest.raises(ValueError, match=r"file=.*: no image that can be read"):
            data.read_photo(wrong)
    with pytest.raises(ValueError, match=r"size=0: allowed"):
        data.read_photo(encoded(Image.fromarray(PHOTO)), 0)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
    with pytest.raises(ValueError, match=r"no image that can be read .*decompression bomb"):
        data.read_photo(encoded(Image.fromarray(PHOTO)))


# --- a folder of images ---


def test_a_folder_of_images_loads_as_cifar10_does(tmp_path, image_folder):
    dataset = data.load_image_folder(image_folder(tmp_path / "mine", count=3))
    assert dataset.class_names == ("a", "b")
    assert dataset.y_train.tolist() == dataset.y_test.tolist() == [0, 0, 0, 1, 1, 1]
    assert dataset.y_train.dtype == np.int64
    assert dataset.x_train.shape == (6, 32, 32, 3) and dataset.x_train.dtype == np.uint8
    assert dataset.source == "mine: 6 and 6 images of 2 classes"
    pixels = np.asarray(dataset.x_train)
    assert pixels.shape == (6, 32, 32, 3) and pixels.dtype == np.uint8
    colours = [[10 * number, 0, ord(name)] for name in "ab" for number in range(3)]
    np.testing.assert_array_equal(pixels, np.broadcast_to(np.array(colours)[:, None, None], pixels.shape))
    assert np.asarray(dataset.x_test)[5, 0, 0].tolist() == [20, 100, ord("b")]


def test_what_is_hidden_or_no_image_is_passed_over(tmp_path, image_folder):
    for part in ("train", "val"):
        image_folder(tmp_path, **{"train": (), "val": (), part: (".ipynb_checkpoints", "a")})
    for name in (".DS_Store", "._0.png", "Thumbs.db", "list.txt"):
        (tmp_path / "train" / "a" / name).write_bytes(b"no image")
    (tmp_path / "train" / "list.txt").write_text("no class")
    dataset = data.load_image_folder(tmp_path)
    assert dataset.class_names == ("a",)
    assert len(dataset.x_train) == len(dataset.y_train) == 2


def test_images_in_files_are_indexed_like_an_array_and_read_late(tmp_path, monkeypatch, image_folder):
    images = data.load_image_folder(image_folder(tmp_path, count=3), size=8).x_train
    whole = np.asarray(images)
    read, read_photo = [], data.read_photo
    monkeypatch.setattr(data, "read_photo", lambda file, size: read.append(file) or read_photo(file, size))
    chosen = [images[1:4], images[np.array([5, 0, 0])], images[:2][::-1], images[np.arange(6) % 2 == 0]]
    assert not read  # so far
    for part, expected in zip(chosen, (whole[1:4], whole[[5, 0, 0]], whole[:2][::-1], whole[::2])):
        assert part.shape == expected.shape and len(part) == len(expected)
        np.testing.assert_array_equal(part, expected)
    assert len(read) == 3 + 3 + 2 + 3
    assert np.asarray(images, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({}, "allowed has the same classes in train as in val; odd: none at all"),
        ({"train": ("a",), "val": ()}, "allowed has the same classes in train as in val; odd: a$"),
        ({"train": ("a", "b"), "val": ("a", "c")}, "in train as in val; odd: b, c$"),
        ({"count": 0}, "class a has no images; allowed are 1 or more in train and val"),
    ],
)
def test_a_folder_of_another_layout_is_refused(tmp_path, image_folder, made, message):
    folder = image_folder(tmp_path, **made) if made else tmp_path / "nowhere"
    with pytest.raises(ValueError, match=f"folder='.*': .*{message}"):
        data.load_image_folder(folder)
    with pytest.raises(ValueError, match="size=0: allowed is an integer from 1 to 4096"):
        data.load_image_folder(folder, size=0)


def test_a_damaged_image_is_named_when_it_is_read(tmp_path, image_folder):
    images = data.load_image_folder(image_folder(tmp_path)).x_train
    Path(images.files[2]).write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"file='.*b.0.png': no image that can be read"):
        np.asarray(images)
