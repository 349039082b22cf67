"""The AlexNet that was trained on ImageNet, on files made here: its graph with random weights.

ONNX Runtime is the judge: it shares no code with the course. What needs it, or `onnx`, is skipped where they are not
installed (`make extras` installs them). No test reaches beyond this machine.
"""

import hashlib
import re
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alexnet_helpers import bvlc_alexnet, data, geometry, imagenet, models, numpy_layers, onnx_weights
from tests import test_data


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx", reason="onnx is not installed: `make extras` installs it", exc_type=ImportError)


@pytest.fixture
def narrow(monkeypatch):
    """Make fc6 and fc7 narrow: a file of 16 MB in place of 244."""
    make_narrow(monkeypatch)


def make_narrow(monkeypatch):
    layers = [one._replace(units=32) if one.name in ("fc6", "fc7") else one for one in bvlc_alexnet.LAYERS]
    monkeypatch.setattr(bvlc_alexnet, "LAYERS", tuple(layers))


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The folder that the weights land in, with downloads allowed."""
    monkeypatch.setenv("ALEXNET_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("ALEXNET_OFFLINE", raising=False)
    return tmp_path / "data"


def left_in(root):
    return {path.name for path in root.iterdir()} - {"alexnet_imagenet.lock"} if root.exists() else set()


def graph_alone(onnx):
    """Return the graph of the real file, which comes with `onnx`: without weights, ConstantOfShape in their place."""
    return onnx.load(Path(onnx.__file__).parent / "backend/test/data/light/light_bvlc_alexnet.onnx")


def stored_shapes():
    """Return {name in the file: shape}, as Caffe stores them, from the paper's numbers."""
    shapes = {}
    for name, shape in geometry.kernel_shapes(bvlc_alexnet.LAYERS).items():
        stored = (shape[1], shape[0]) if len(shape) == 2 else (shape[3], shape[2], shape[0], shape[1])
        shapes |= {f"{name}_w_0": stored, f"{name}_b_0": (shape[-1],)}
    return shapes


def fill(model, onnx, names=None):
    """Put random weights into the graph, those of some layers or of all."""
    graph = model.graph
    shape_names = {node.input[0] for node in graph.node if node.op_type == "ConstantOfShape"}
    nodes = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    kept = [one for one in graph.initializer if one.name not in shape_names]
    inputs = [one for one in graph.input if one.name not in shape_names]
    for field, content in ((graph.node, nodes), (graph.initializer, kept), (graph.input, inputs)):
        del field[:]
        field.extend(content)
    for number, (name, shape) in enumerate(stored_shapes().items()):
        if names is not None and name.partition("_")[0] not in names:
            continue
        values = np.random.default_rng(number).standard_normal(shape, dtype=np.float32)
        # Biases that are seen beside the activations, and scores that leave no class certain.
        values *= np.float32(np.sqrt(2 / np.prod(shape[1:])) * (0.01 if "fc8" in name else 1) if "_w" in name else 5)
        graph.initializer.append(onnx.numpy_helper.from_array(values, name))
        value = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        graph.input.append(value)  # as in the real file: with version 3 of the format each weight is an input
    return model


SHAPES = geometry.kernel_shapes(bvlc_alexnet.LAYERS)
CONVOLUTIONS = ("conv1", "conv2", "conv3", "conv4", "conv5")


def write(model, file):
    file.write_bytes(model.SerializeToString())
    return file


def close(found, expected, tolerance=1e-4):
    """Compare norm-wise: largest difference against largest expected value."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


# --- NumPy = Keras = ONNX Runtime ---


# 227 as in Caffe, with all weights; 224 as in the file, where fewer tell as much: no dense layer sees the size.
@pytest.mark.parametrize("size", [227, 224])
def test_numpy_keras_and_onnx_runtime_agree_at_every_layer(size, onnx, tmp_path, root, monkeypatch):
    runtime = pytest.importorskip(
        "onnxruntime", reason="onnxruntime is not installed: `make extras` installs it", exc_type=ImportError
    )
    if size == 224:
        make_narrow(monkeypatch)
    file = tmp_path / "alexnet.onnx"
    outputs = write_with_all_outputs(onnx, file, size)
    x = imagenet.preprocess(data.sample_photo(256), size)
    judged = judge(runtime, file, x, outputs)
    weights = onnx_weights.read_onnx(file, sha256=None)
    names = compare_numpy(weights, x, judged)
    compare_keras(weights, x, dict(zip(names, judged, strict=True)))
    if size == 224:
        keep_and_read_again(weights, root)


def write_with_all_outputs(onnx, file, size):
    """Write the graph, filled, with an input of this size and the result of each step; return the results' names."""
    model = fill(graph_alone(onnx), onnx)
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = size
    outputs = [node.output[0] for node in model.graph.node if node.op_type != "Dropout"]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs[:-1])
    write(model, file)
    return outputs


def judge(runtime, file, x, outputs):
    """Return what ONNX Runtime computes, in the course's layout."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = runtime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    found = session.run(outputs, {"data_0": np.ascontiguousarray(x.transpose(0, 3, 1, 2))})
    found = [one.transpose(0, 2, 3, 1) if one.ndim == 4 else one for one in found]
    # The maps in one row: there channel by channel, here pixel by pixel.
    return [found[n - 1].reshape(1, -1) if one.shape == (1, 9216) else one for n, one in enumerate(found)]


def compare_numpy(weights, x, judged):
    found = numpy_layers.steps(x, weights, bvlc_alexnet.LAYERS, bvlc_alexnet.NORMALIZATION)
    names = []
    for (name, tensor), expected in zip(found, judged, strict=True):
        close(tensor, expected)
        names.append(name)
    assert names[:4] == ["conv1", "relu1", "norm1", "pool1"] and names[-1] == "softmax"
    # The normalization does something, and no class is certain: else the comparison would say little.
    assert judged[2].max() < 0.8 * judged[1].max()
    assert 0.002 < judged[-1].max() < 0.5
    return names


def compare_keras(weights, x, judged):
    model = models.alexnet(x.shape[1:], weights=weights)
    layers = [layer for layer in model.layers if "dropout" not in layer.name]
    found = models.keras.Model(model.inputs, [layer.output for layer in layers]).predict(x, verbose=0)
    twins = {"fc8": "softmax"} | {f"{kind}{n}": f"relu{n}" for kind in ("conv", "fc") for n in range(1, 8)}
    for layer, tensor in zip(layers, found, strict=True):
        close(tensor, judged[twins.get(layer.name, layer.name)])
    assert model.count_params() == sum(kernel.size + bias.size for kernel, bias in weights.values())


def keep_and_read_again(weights, root):
    """The file has half the size, and every weight comes back to float16's accuracy."""
    root.mkdir()
    imagenet._write(weights, root / imagenet.FILE)
    size = 2 * sum(kernel.size for kernel, _ in weights.values())
    assert size < (root / imagenet.FILE).stat().st_size < size + 50_000
    again = imagenet.load_weights()
    assert again.is_real and again.source == bvlc_alexnet.SOURCE
    assert list(again) == list(weights)
    for name, (kernel, bias) in weights.items():
        assert again[name][0].dtype == again[name][1].dtype == np.float32
        close(again[name][0], kernel, 5e-4)
        np.testing.assert_array_equal(again[name][1], bias)


# --- The graph ---


def test_the_layers_are_those_of_the_graph_number_by_number(onnx):
    model = graph_alone(onnx)
    graph = model.graph
    assert [one.name for one in graph.output] == ["prob_1"]
    dims = {one.name: [size.dim_value for size in one.type.tensor_type.shape.dim] for one in graph.input}
    assert dims["data_0"] == [1, 3, 224, 224]
    # The shapes of its weights, and what it says of each operation.
    shapes = {one.name: tuple(onnx.numpy_helper.to_array(one)) for one in graph.initializer}
    for name, shape in stored_shapes().items():
        assert shapes[f"{name}__SHAPE"] == shape
    assert shapes["OC2_DUMMY_1"] == (1, 9216)
    nodes = [node for node in graph.node if node.op_type not in ("ConstantOfShape", "Dropout")]
    plan = numpy_layers.step_kinds(bvlc_alexnet.LAYERS, bvlc_alexnet.NORMALIZATION)
    kinds = {"Conv": "conv", "Relu": "relu", "LRN": "norm", "MaxPool": "pool", "Reshape": "flatten", "Gemm": "dense"}
    assert [kind for _, kind, _ in plan] == [kinds.get(node.op_type, "softmax") for node in nodes]
    for node, (name, kind, layer) in zip(nodes, plan, strict=True):
        said = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        if kind in ("conv", "pool"):
            assert (said["kernel_shape"], said["strides"]) == ([layer.kernel] * 2, [layer.stride] * 2)
        if kind in ("conv", "dense"):
            assert list(node.input[1:]) == [f"{name}_w_0", f"{name}_b_0"]
        if kind == "conv":
            assert (said["pads"], said.get("group", 1)) == ([layer.padding] * 4, layer.groups)
        elif kind == "pool":
            assert said["pads"] == ([0, 0, 1, 1] if name == "pool3" else [0, 0, 0, 0])
        elif kind == "norm":
            assert said == {"size": 5, "bias": 1.0, "beta": 0.75, "alpha": pytest.approx(1e-4)}


def test_caffes_normalization_is_what_the_layers_are_given():
    # alpha / size, as in Caffe and ONNX; k = 1; and no border between the towers.
    assert bvlc_alexnet.NORMALIZATION == {"size": 5, "k": 1.0, "alpha": 1e-4 / 5, "beta": 0.75, "towers": 1}
    assert [one.name for one in bvlc_alexnet.LAYERS] == [one.name for one in geometry.ALEXNET]


@pytest.mark.parametrize(("size", "sides"), [(227, (55, 27, 13, 6)), (224, (54, 26, 12, 6))])
def test_both_sizes_end_in_9216_numbers(size, sides):
    table = geometry.layer_table(bvlc_alexnet.LAYERS, size)["output"]
    assert tuple(table[name][0] for name in ("conv1", "pool1", "pool2", "pool3")) == sides
    assert geometry.layer_table(bvlc_alexnet.LAYERS, size)["parameters"].sum() == 60_965_224


# --- Files that are refused ---


def attribute(node_number, name, value):
    """Return a change of the graph: an attribute of an operation."""

    def change(onnx, graph):
        node = [one for one in graph.node if one.op_type != "ConstantOfShape"][node_number]
        kept = [one for one in node.attribute if one.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])

    return change


def swap(first, second):
    """Return a change of the graph: two neighbours of one input and output change places, as in CaffeNet."""

    def change(onnx, graph):
        one, other = (graph.node[n] for n in (first, second))
        attributes = list(one.attribute), list(other.attribute)
        one.op_type, other.op_type = other.op_type, one.op_type
        for node, new in ((one, attributes[1]), (other, attributes[0])):
            del node.attribute[:]
            node.attribute.extend(new)

    return change


def weights_of(name, change):
    """Return a change of the graph: of one of its arrays."""

    def apply(onnx, graph):
        (tensor,) = (one for one in graph.initializer if one.name == name)
        change(onnx, tensor)

    return apply


def spoil(onnx, tensor):
    values = onnx.numpy_helper.to_array(tensor).copy()
    values.flat[7] = np.nan
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))


def as_doubles(onnx, tensor):
    values = onnx.numpy_helper.to_array(tensor).astype(np.float64)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))


def elsewhere(onnx, tensor):
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="conv3.bin")


def another_input(onnx, graph):
    graph.node[9].input[0] = graph.node[7].output[0]


def without_a_step(onnx, graph):
    graph.node[10].input[0] = graph.node[8].output[0]
    del graph.node[9]


CHANGES = {
    "the paper's k": (attribute(2, "bias", 2.0), "bias of norm1 is 2.0, and has to be 1.0"),
    "alpha that is not divided": (attribute(6, "alpha", 5e-4), "alpha of norm2 is 0.0005"),
    "three neighbours": (attribute(2, "size", 3), "size of norm1 is 3, and has to be 5"),
    "one tower": (attribute(4, "group", 1), "group of conv2 is 1, and has to be 2"),
    "another stride": (attribute(0, "strides", [2, 2]), r"strides of conv1 is \[2, 2\]"),
    "padding": (attribute(0, "pads", [2, 2, 2, 2]), "pads of conv1"),
    "dilation": (attribute(8, "dilations", [2, 2]), "dilations of conv3"),
    "rounding": (attribute(3, "ceil_mode", 1), "ceil_mode of pool1"),
    "an attribute that is new": (attribute(1, "alpha", 0.1), "alpha of relu1 is .* not to be there"),
    "transposed": (attribute(16, "transB", 0), "transB of fc6 is 0"),
    "pooling first": (swap(2, 3), "MaxPool where norm1 needs LRN"),
    "a step less": (without_a_step, "Conv where relu3 needs Relu"),
    "another way": (another_input, "Relu reads 'r7', where 'r8' should go on"),
    "NaN": (weights_of("conv3_w_0", spoil), "conv3 has weights that are not finite numbers"),
    "doubles": (weights_of("conv2_b_0", as_doubles), r"weights of conv2 are \(256,\), and .* in float32"),
    "external data": (weights_of("conv3_w_0", elsewhere), "weights of conv3 lie in another file"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_network_is_refused_with_its_reason(name, onnx, tmp_path):
    change, says = CHANGES[name]
    model = fill(graph_alone(onnx), onnx, CONVOLUTIONS)
    change(onnx, model.graph)
    (tmp_path / "conv3.bin").write_bytes(bytes(384 * 256 * 9 * 4))
    with pytest.raises(ValueError, match=rf"^file must be .* of the BVLC AlexNet.*, got a\.onnx \(.*{says}") as error:
        onnx_weights.read_onnx(write(model, tmp_path / "a.onnx"), sha256=None)
    assert str(tmp_path) not in str(error.value)


def test_a_graph_with_more_or_fewer_steps_is_refused(narrow, onnx, tmp_path):
    model = fill(graph_alone(onnx), onnx)
    assert set(onnx_weights.read_onnx(write(model, tmp_path / "whole.onnx"), None)) == set(bvlc_alexnet.LEARNED)
    last = model.graph.node.pop()
    with pytest.raises(ValueError, match="no Softmax for softmax"):
        onnx_weights.read_onnx(write(model, tmp_path / "short.onnx"), None)
    model.graph.node.extend([last, onnx.helper.make_node("Relu", ["prob_1"], ["more"])])
    with pytest.raises(ValueError, match="Relu where the end needs no more"):
        onnx_weights.read_onnx(write(model, tmp_path / "long.onnx"), None)


@pytest.mark.parametrize("other", ["zfnet512", "squeezenet", "bvlc_alexnet"])
def test_files_of_other_networks_or_without_weights_are_refused(other, onnx):
    file = Path(onnx.__file__).parent / "backend/test/data/light" / f"light_{other}.onnx"
    with pytest.raises(ValueError, match=r"^file must be .* of the BVLC AlexNet, whole"):
        onnx_weights.read_onnx(file, sha256=None)
    with pytest.raises(ValueError, match=r"bytes with the SHA-256 [0-9a-f]{8}\.\.\., not 6b0da951"):
        onnx_weights.read_onnx(file)


def test_the_form_of_newer_versions_is_read_too(narrow, onnx, tmp_path):
    # From version 12 of the operations on, Dropout has its rate as an input, and a constant may be an operation.
    model = fill(graph_alone(onnx), onnx)
    rate = onnx.helper.make_node("Constant", [], ["rate"], value=onnx.numpy_helper.from_array(np.float32(0.5)))
    for node in model.graph.node:
        if node.op_type == "Dropout":
            del node.attribute[:]
            node.input.append("rate")
    model.graph.node.insert(0, rate)
    model.opset_import[0].version = 12
    onnx.checker.check_model(model)
    plain = onnx_weights.read_onnx(write(fill(graph_alone(onnx), onnx), tmp_path / "plain.onnx"), None)
    newer = onnx_weights.read_onnx(write(model, tmp_path / "newer.onnx"), None)
    for name, pair in plain.items():
        for one, other in zip(pair, newer[name], strict=True):
            np.testing.assert_array_equal(one, other)
    assert not plain.is_real and plain.source == "plain.onnx, not known to be trained"


def test_a_file_that_is_damaged_cut_or_no_onnx_is_refused(narrow, onnx, tmp_path, monkeypatch):
    content = write(fill(graph_alone(onnx), onnx), tmp_path / "a.onnx").read_bytes()
    monkeypatch.setattr(onnx_weights, "ONNX_SHA256", hashlib.sha256(content).hexdigest())
    assert onnx_weights.read_onnx(tmp_path / "a.onnx", onnx_weights.ONNX_SHA256.upper()).is_real
    assert onnx_weights.read_onnx(tmp_path / "a.onnx", onnx_weights.ONNX_SHA256).is_real
    middle = len(content) // 2
    changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for bad in (changed, content[:-1], content[:middle], b"", b"\x89PNG\r\n", b"<html>not found</html>"):
        (tmp_path / "a.onnx").write_bytes(bad)
        with pytest.raises(ValueError, match=r"^file must be an ONNX file .*SHA-256"):
            onnx_weights.read_onnx(tmp_path / "a.onnx", onnx_weights.ONNX_SHA256)
        if bad is not changed:  # which nothing but the checksum can see
            with pytest.raises(ValueError, match=r"^file must be an ONNX file"):
                onnx_weights.read_onnx(tmp_path / "a.onnx", None)
    with pytest.raises(ValueError, match=r"^file must be the path of an ONNX file, got"):
        onnx_weights.read_onnx(tmp_path / "nowhere.onnx")


# --- The file under data/ ---


@pytest.fixture
def kept(narrow, root):
    """Write narrow random weights as if they had been trained; return the file."""
    root.mkdir()
    imagenet._write(bvlc_alexnet.stand_in(), root / imagenet.FILE)
    return root / imagenet.FILE


def test_weights_at_hand_are_loaded_without_a_word(kept, capsys):
    weights = imagenet.load_weights()
    assert weights.is_real and weights.source == "BVLC AlexNet (Caffe, 2014), trained on ImageNet"
    for name, (kernel, bias) in bvlc_alexnet.stand_in().items():
        np.testing.assert_array_equal(weights[name][0], kernel.astype(np.float16).astype(np.float32))
        np.testing.assert_array_equal(weights[name][1], bias)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("share", [0.001, 0.3, 0.5, 0.7, 0.999])
def test_a_changed_byte_in_the_kept_file_is_refused(share, kept):
    content = bytearray(kept.read_bytes())
    content[int(share * len(content))] ^= 16
    kept.write_bytes(content)
    with pytest.raises(ValueError, match=r"alexnet_imagenet\.npz is damaged \(.*\): delete it and load again"):
        imagenet.load_weights()


def rewritten(kept, **changes):
    with np.load(kept) as archive:
        arrays = dict(archive)
    np.savez(kept, **arrays | changes)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-9]), ""),
        (lambda file: file.write_bytes(b""), ""),
        (lambda file: rewritten(file, about=np.array('{"sha256": "0"}')), "it was made of another file"),
        (lambda file: rewritten(file, about=np.array("no JSON")), ""),
        (lambda file: rewritten(file, **{"fc7/bias": np.zeros(31)}), "fc7 has another shape"),
        (lambda file: rewritten(file, **{"fc7/bias": np.array([None])}), "pickle"),
        (lambda file: rewritten(file, more=np.zeros(17_000_000)), "it is too large"),
    ],
)
def test_a_kept_file_of_another_kind_is_refused(damage, says, kept):
    damage(kept)
    with pytest.raises(ValueError, match=rf"alexnet_imagenet\.npz is damaged \(.*{says}.*\): delete it and load again"):
        imagenet.find_weights()


def test_the_kept_file_is_numpys_own_format_without_pickle(kept):
    with zipfile.ZipFile(kept) as archive:
        assert {name.rpartition(".")[2] for name in archive.namelist()} == {"npy"}
    with np.load(kept, allow_pickle=False) as archive:
        assert {archive[name].dtype.name for name in archive if name.endswith("kernel")} == {"float16"}
        parts = {f"{name}/{part}" for name in bvlc_alexnet.LEARNED for part in ("kernel", "bias")}
        assert set(archive) == {"about"} | parts


# --- The download ---


@pytest.fixture
def server(narrow, onnx, tmp_path, monkeypatch):
    """Serve a narrow file of the network, for which its size and checksum are expected."""
    content = write(fill(graph_alone(onnx), onnx), tmp_path / "served.onnx").read_bytes()
    monkeypatch.setattr(onnx_weights, "ONNX_SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(imagenet, "ONNX_BYTES", len(content))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = test_data.Server(("127.0.0.1", 0), test_data.Mirror)
    server.requests, server.content, server.go_on = [], content, threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()


def load(*mirrors, patience=60.0, slowest=0):
    return imagenet.load_weights(True, mirrors, slowest=slowest, patience=patience)


def test_a_download_leaves_the_weights_and_nothing_else(server, root, tmp_path, capsys):
    weights = load(server.url("good"))
    assert weights.is_real
    assert left_in(root) == {imagenet.FILE}
    assert server.requests == ["good"]
    printed = capsys.readouterr().out
    assert re.fullmatch(r"Downloading bvlcalexnet-12\.onnx \(244 MB\) from 127\.0\.0\.1:\d+ into \S+ \.\.\.\n", printed)
    for name, (kernel, _) in onnx_weights.read_onnx(tmp_path / "served.onnx", None).items():
        close(weights[name][0], kernel, 5e-4)
    server.requests.clear()
    assert load(server.url("good")).is_real and server.requests == []


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("missing", "404"),
        ("wrong", "SHA256"),
        ("cut", ""),
        ("endless", "it sends more than the .* bytes of bvlcalexnet-12"),
        ("silent", r"timed out: nothing in .*imagenet\.load_weights\(patience"),
        ("slow", r"kB/s, less than 10 kB/s \(imagenet\.load_weights\(slowest"),
    ],
)
def test_a_bad_mirror_is_left_for_the_next_or_for_the_stand_in(bad, says, server, root, capsys):
    trouble = {"patience": 1.0, "slowest": 10_000} if bad in ("silent", "slow") else {}
    assert load(server.url(bad), server.url("good"), **trouble).is_real
    assert re.search(f"Giving up 127.*{says}", capsys.readouterr().out)
    (root / imagenet.FILE).unlink()
    weights = load(server.url(bad), **trouble)
    assert not weights.is_real and left_in(root) == set()
    printed = capsys.readouterr().out
    assert re.search("The weights could not be put into .*: no mirror delivered it", printed)
    assert printed.endswith("Random weights of the same shapes stand in.\n")


def test_what_is_downloaded_is_looked_at_before_it_counts(server, root, onnx, monkeypatch, capsys):
    other = fill(graph_alone(onnx), onnx)
    attribute(2, "bias", 2.0)(onnx, other.graph)
    server.content = other.SerializeToString()  # the right checksum, and another network
    monkeypatch.setattr(onnx_weights, "ONNX_SHA256", hashlib.sha256(server.content).hexdigest())
    assert not load(server.url("good")).is_real
    assert "bias of norm1 is 2.0" in capsys.readouterr().out
    assert left_in(root) == set()


def test_nothing_is_downloaded_unasked_or_offline(server, root, monkeypatch, capsys):
    monkeypatch.setattr(imagenet.find_weights, "__defaults__", (False, (server.url("good"),), 0, 60.0))
    assert imagenet.find_weights() is None
    monkeypatch.setenv("ALEXNET_OFFLINE", "1")
    assert not load(server.url("good")).is_real
    with pytest.raises(ValueError, match=r"^weights must be at hand, got 'imagenet'"):
        models.alexnet(weights="imagenet")
    assert "ALEXNET_OFFLINE forbids the download" in capsys.readouterr().out
    assert server.requests == [] and left_in(root) == set()


def test_a_full_disk_and_a_folder_in_the_way_are_named(server, root, monkeypatch, capsys):
    part = root / "alexnet_imagenet.part"
    root.mkdir()
    part.write_text("not ours")
    assert not load(server.url("good")).is_real
    assert "alexnet_imagenet.part is in the way; remove it" in capsys.readouterr().out
    part.unlink()
    part.mkdir()
    (part / "left by a killed process").touch()
    monkeypatch.setattr(imagenet, "_write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert not load(server.url("good")).is_real
    assert "the disk is full; 370 MB must be free" in capsys.readouterr().out
    assert left_in(root) == set()


def test_without_the_package_onnx_nothing_is_downloaded(narrow, root, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    assert not load(test_data.dead()).is_real
    printed = capsys.readouterr().out
    assert "the package onnx, which reads the file, is missing: pip install onnx" in printed
    assert "Downloading" not in printed
    (root / "a.onnx").touch()
    with pytest.raises(ImportError, match="pip install onnx"):
        onnx_weights.read_onnx(root / "a.onnx")


# --- The stand-in ---


def test_the_stand_in_is_the_same_network_and_says_that_it_is_not_trained(capsys, root, monkeypatch):
    monkeypatch.setenv("ALEXNET_OFFLINE", "1")  # whatever may be broken, no test asks a foreign host
    weights = imagenet.load_weights()
    assert (weights.is_real, weights.source) == (False, "a stand-in with random weights")
    assert capsys.readouterr().out == (
        "The weights trained on ImageNet are not here. `download=True` (in notebook 15: DOWNLOAD = True)\n"
        "or `python -m alexnet_helpers.imagenet` fetches them (244 MB). Random weights of the same shapes stand in.\n"
    )
    assert not root.exists()
    assert sum(kernel.size + bias.size for kernel, bias in weights.values()) == 60_965_224
    assert {array.dtype for pair in weights.values() for array in pair} == {np.dtype(np.float32)}
    photo = imagenet.preprocess(data.sample_photo(256))
    sizes = {}
    for name, tensor in numpy_layers.steps(photo, weights, bvlc_alexnet.LAYERS, bvlc_alexnet.NORMALIZATION):
        sizes[name] = np.sqrt((tensor**2).mean())
    assert all(20 < size < 150 for name, size in sizes.items() if name not in ("fc8", "softmax"))
    assert 0.002 < tensor.max() < 0.1


def test_the_stand_in_is_the_same_in_every_call(narrow):
    one, other = bvlc_alexnet.stand_in(), bvlc_alexnet.stand_in()
    assert all(np.array_equal(one[name][0], other[name][0]) for name in one)
    assert not np.array_equal(one["conv4"][0][..., :192], one["conv5"][0][..., :192])


# --- Keras ---


def test_the_normalization_of_trained_weights_can_be_left_out_or_changed(monkeypatch):
    monkeypatch.setattr(models.keras, "Sequential", lambda parts, name: Parts(parts))
    nothing = {name: (np.empty(shape, "V0"), np.empty(shape[-1:], "V0")) for name, shape in SHAPES.items()}

    def norms(**named):
        built = models.alexnet(weights=nothing, **named).parts
        return [layer.get_config() for layer in built if getattr(layer, "name", "").startswith("norm")]

    caffes = {"size": 5, "k": 1.0, "alpha": 2e-5, "beta": 0.75, "towers": 1}
    for named in ({}, {"towers": 2}, {"local_response_norm": True}, {"local_response_norm": np.True_}):
        assert [one | caffes for one in norms(**named)] == norms(**named) and len(norms(**named)) == 2
    assert norms(local_response_norm=False) == []
    changed = norms(local_response_norm={"k": 3.0, "size": 3})
    expected = {"size": 3, "k": 3.0, "alpha": 1e-4, "beta": 0.75, "towers": 2}
    assert [one | expected for one in changed] == changed
    pools = {side: pool_paddings(models.alexnet((side, side, 3), weights=nothing).parts) for side in (227, 224)}
    assert pools == {227: ["valid"] * 3, 224: ["valid", "valid", "same"]}


class Parts:
    """In place of a network of 244 MB: its layers, unbuilt."""

    def __init__(self, parts):
        self.parts, self.given = parts, []

    def get_layer(self, name):
        return self

    def set_weights(self, pair):
        self.given.append(pair)


def pool_paddings(parts):
    return [layer.padding for layer in parts if isinstance(layer, models.keras.layers.MaxPooling2D)]


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"towers": 1}, "towers must be 2, got 1"),
        ({"num_classes": 10}, "num_classes must be 1000, got 10"),
        ({"input_shape": (228, 228, 3)}, r"input_shape must be \(227, 227, 3\) or \(224, 224, 3\), got"),
        ({"kernel_initializer": "zeros"}, "kernel_initializer must be 'he_normal', got 'zeros'"),
        ({"weights": "imagenet21k"}, "weights must be 'imagenet', or what imagenet.load_weights returned, got"),
        ({"weights": {"conv1": 1}}, "weights must be 'imagenet', or what"),
        (
            {"weights": dict.fromkeys(bvlc_alexnet.LEARNED, (np.ones(3), np.ones(3)))},
            "weights must be 'imagenet', or what",
        ),
        ({"local_response_norm": {"gamma": 1}}, "local_response_norm must be True, False or a dict with some of size"),
        ({"local_response_norm": {}}, "local_response_norm must be True, False or a dict"),
        ({"local_response_norm": {"k": 0}}, "k must be a positive number, got 0"),
    ],
)
def test_arguments_that_the_weights_cannot_have_are_refused(named, says):
    with pytest.raises(ValueError, match=says):
        models.alexnet(**{"weights": {}} | named)


# --- Photos and names ---


def test_a_photo_is_prepared_as_by_hand():
    photo = np.random.default_rng(0).integers(0, 256, (300, 411, 3)).astype(np.uint8)
    # The shorter side to 256, the middle of both sides, then blue, green, red minus their means.
    square = Image.fromarray(photo[:, 55:355]).resize((256, 256), Image.Resampling.BICUBIC)
    cut = np.asarray(square)[14:241, 14:241]
    means = {2: 104.00698793, 1: 116.66876762, 0: 122.67891434}
    expected = np.stack([cut[..., colour] - mean for colour, mean in means.items()], axis=-1)
    found = imagenet.preprocess(photo)
    assert found.dtype == np.float32 and found.shape == (1, 227, 227, 3)
    assert np.abs(found[0] - expected).max() < 2  # the two resize in strips and at once
    np.testing.assert_allclose(imagenet.preprocess(photo, 224)[0], found[0, 2:226, 2:226])
    several = imagenet.preprocess(np.stack([photo, photo[::-1]]))
    np.testing.assert_array_equal(several[0], found[0])
    views = np.stack([photo[n : n + 227, :227] for n in (0, 9)])  # of the right size: as they are
    np.testing.assert_allclose(imagenet.preprocess(views), views[..., ::-1] - np.float32(imagenet.MEAN_BGR))


def test_the_names_are_those_of_the_synsets_in_their_order():
    lines = imagenet.CLASSES_FILE.read_text("utf-8").splitlines()
    synsets = [line.split(" ")[0] for line in lines]
    assert len(lines) == len(set(synsets)) == 1000
    assert synsets == sorted(synsets)  # which is the order of the network's outputs
    assert all(re.fullmatch(r"n\d{8}", synset) for synset in synsets)
    names = imagenet.class_names()
    known = {0: "tench", 1: "goldfish", 207: "golden retriever", 281: "tabby", 285: "Egyptian cat", 504: "coffee mug"}
    known |= {134: "crane", 517: "crane", 620: "laptop", 817: "sports car", 963: "pizza", 999: "toilet tissue"}
    assert {number: names[number].split(",")[0] for number in known} == known


def test_the_most_probable_come_first():
    p = np.full((2, 1000), 1e-4, np.float32)
    p[0, [3, 5]], p[1, 281] = [0.2, 0.6], 0.9
    first, second = imagenet.decode(p, top=3)
    assert [guess.number for guess in first] == [5, 3, 0]
    assert second[0] == ("tabby, tabby cat", pytest.approx(0.9), 281)
    assert [len(one) for one in imagenet.decode(p)] == [5, 5]
    with pytest.raises(ValueError, match="probabilities must be rows of 1000"):
        imagenet.decode(p[:, :10])
    with pytest.raises(ValueError, match="probabilities must be without negative values"):
        imagenet.decode(p - 1)


# --- The command ---


@pytest.fixture
def guesses(monkeypatch):
    """Stand in for the network: half of the probability for class 285."""

    class Network:
        def predict(self, x, verbose):
            assert x.shape == (1, 227, 227, 3)
            return np.eye(1000, dtype=np.float32)[[285]] / 2

    monkeypatch.setattr(models, "alexnet", lambda weights: Network())


def test_the_command_prints_five_guesses(kept, guesses, capsys, tmp_path):
    Image.fromarray(data.sample_photo(100)).save(tmp_path / "photo.png")
    for arguments in ([], [str(tmp_path / "photo.png")]):
        imagenet.main(arguments)
        head, first, *others = capsys.readouterr().out.splitlines()
        assert head == "BVLC AlexNet (Caffe, 2014), trained on ImageNet. The photo shows:"
        assert first == "  50.0%  Egyptian cat" and len(others) == 4


def test_the_command_takes_a_file_that_was_brought_along(server, root, guesses, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("ALEXNET_OFFLINE", "1")
    imagenet.main(["--onnx", str(tmp_path / "served.onnx")])
    assert "Egyptian cat" in capsys.readouterr().out
    assert left_in(root) == {imagenet.FILE} and (tmp_path / "served.onnx").exists()


def test_the_command_fails_without_weights(root, monkeypatch, capsys):
    monkeypatch.setenv("ALEXNET_OFFLINE", "1")
    with pytest.raises(SystemExit) as end:
        imagenet.main([])
    assert end.value.code == 1
    assert "The weights trained on ImageNet are not here" in capsys.readouterr().err
