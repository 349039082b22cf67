"""The weights of the BVLC AlexNet, read out of its ONNX file.

ONNX describes a network as data: a list of operations with their attributes, and
arrays. Reading it executes nothing. The operations are compared with the course's
layers, one by one, before an array is believed.
"""

import hashlib
import math
import os
import re

import numpy as np

from alexnet_helpers import bvlc_alexnet, checks, geometry, numpy_layers

ONNX_FILE = "bvlcalexnet-12.onnx"
ONNX_SHA256 = "6b0da9510f27f234ee96a85dc3809dd210150fdefad87f6850f9788513216945"
__all__ = ("read_onnx",)

# What an attribute of an operation is in ONNX if the file does not give it.
_WINDOW = {
    "dilations": [1, 1],
    "pads": [0] * 4,
    "strides": [1, 1],
    "auto_pad": b"NOTSET",
}
ATTRIBUTES = {
    "Conv": {"group": 1, **_WINDOW},
    "Relu": {},
    "LRN": {"alpha": 1e-4, "beta": 0.75, "bias": 1.0},
    "MaxPool": {"ceil_mode": 0, "storage_order": 0, **_WINDOW},
    "Reshape": {"allowzero": 0},
    "Gemm": {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0},
    "Softmax": {"axis": 1},
}


def read_onnx(file, sha256=ONNX_SHA256):
    """Read the network's weights out of an ONNX file.

    The file has to describe this network: its operations are compared with the layers
    of `bvlc_alexnet`, attribute by attribute. Weights that it keeps in other files are
    refused.

    Parameters
    ----------
    file : str or Path
        `bvlcalexnet-12.onnx`, or another file of this network.
    sha256 : str or None
        Checksum of the file in hexadecimal digits. With None the checksum is not
        verified, and the weights do not count as real.

    Returns
    -------
    Weights

    Raises
    ------
    ValueError
        If the file is damaged or of another network; the message says what differs.
    ImportError
        If the package `onnx` is missing.
    """
    file = checks.path("file", file)
    if not os.path.isfile(file):
        checks.refuse("file", "the path of an ONNX file", str(file))
    if sha256 is not None:
        is_text = isinstance(sha256, str)
        if not is_text or not re.fullmatch("[0-9a-fA-F]{64}", sha256):
            checks.refuse("sha256", "64 hexadecimal digits, or None", sha256)
    onnx = need_onnx()
    try:
        with open(file, "rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if sha256 and found != sha256.lower():
            found = f"{file.stat().st_size:,} bytes with the SHA-256 {found[:8]}..."
            raise ValueError(f"{found}, not {sha256[:8]}...")
        graph = onnx.load(file, load_external_data=False).graph
        arrays = dict(_follow(graph, onnx))
    except Exception as error:  # protobuf and onnx raise errors of any kind
        needed = f"an ONNX file of the BVLC AlexNet, whole, such as {ONNX_FILE}"
        got = f"{file.name} ({checks.message_of(error)})"
        raise ValueError(f"file must be {needed}, got {got}") from error
    if sha256 and found == ONNX_SHA256:
        return bvlc_alexnet.Weights(arrays, True, bvlc_alexnet.SOURCE)
    source = f"{file.name}, not known to be trained"
    return bvlc_alexnet.Weights(arrays, False, source)


def need_onnx():
    """Return the package `onnx`, or raise an ImportError that says how to get it."""
    try:
        import onnx
    except ModuleNotFoundError as missing:
        problem = "the package onnx, which reads the file, is missing"
        raise ImportError(f"{problem}: pip install onnx") from missing
    return onnx


def _follow(graph, onnx):
    """Yield each learned layer's name and weights, along the graph's operations."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    operations = []
    for node in graph.node:
        if node.op_type == "Constant":
            values = (one.t for one in node.attribute if one.name == "value")
            tensors |= zip(node.output, values)
        else:
            operations.append(node)
    # In old files the weights are inputs as well.
    (tensor,) = (one.name for one in graph.input if one.name not in tensors)
    expected = list(_expected())
    shapes = geometry.kernel_shapes(bvlc_alexnet.LAYERS)
    for node in operations:
        if node.input[0] != tensor:
            got = f"{node.op_type} reads {node.input[0]!r}"
            raise ValueError(f"{got}, where {tensor!r} should go on")
        tensor = node.output[0]
        if node.op_type == "Dropout":  # which does nothing after training
            continue
        name, operation, attributes = "", "no more operations", {}
        if expected:
            name, operation, attributes = expected.pop(0)
        if node.op_type != operation:
            needed = f"{name or 'the end'} needs {operation}"
            raise ValueError(f"{node.op_type} where {needed}")
        _compare(name, node, attributes, onnx)
        if name in shapes:
            stored = [tensors[one] for one in node.input[1:]]
            yield name, _kernel_and_bias(name, stored, shapes[name], onnx)
    if expected:
        raise ValueError(f"no {expected[0][1]} for {expected[0][0]}")


def _expected():
    """Yield the name, the operation and the attributes of each step of the network."""
    norm = bvlc_alexnet.NORMALIZATION
    for name, kind, layer in numpy_layers.step_kinds(bvlc_alexnet.LAYERS, norm):
        window = {"kernel_shape": [layer.kernel] * 2, "strides": [layer.stride] * 2}
        if kind == "conv":
            window |= {"pads": [layer.padding] * 4, "group": layer.groups}
            yield name, "Conv", window
        elif kind == "pool":
            behind = int(layer.rounding == "ceil")
            yield name, "MaxPool", window | {"pads": [0, 0, behind, behind]}
        elif kind == "norm":
            size, alpha = norm["size"], norm["alpha"]
            constants = {"beta": norm["beta"], "bias": norm["k"], "size": size}
            # ONNX divides alpha by the size.
            yield name, "LRN", constants | {"alpha": alpha * size}
        elif kind == "dense":
            yield name, "Gemm", {"transB": 1}
        else:
            operations = {"relu": "Relu", "flatten": "Reshape", "softmax": "Softmax"}
            yield name, operations[kind], {}


def _compare(name, node, attributes, onnx):
    """Refuse an operation whose attributes are not those of the layer."""
    value_of = onnx.helper.get_attribute_value
    given = {attribute.name: value_of(attribute) for attribute in node.attribute}
    expected = ATTRIBUTES[node.op_type] | attributes
    found = ATTRIBUTES[node.op_type] | given
    for attribute, value in found.items():
        needed = expected.get(attribute, "not to be there")
        are_floats = isinstance(value, float) and isinstance(needed, float)
        if are_floats and math.isclose(value, needed, rel_tol=1e-6):
            continue
        if value != needed:
            got = f"{attribute} of {name} is {value}"
            raise ValueError(f"{got}, and has to be {needed}")
    if missing := set(expected) - set(found):
        raise ValueError(f"{name} has no {min(missing)}")


def _kernel_and_bias(name, tensors, shape, onnx):
    """Return (kernel, bias) in the layout of `numpy_layers`."""
    is_dense = len(shape) == 2
    stored = shape[::-1] if is_dense else (shape[3], shape[2], *shape[:2])
    arrays = []
    for tensor, needed in zip(tensors, (stored, shape[-1:]), strict=True):
        if tensor.external_data or tensor.data_location != onnx.TensorProto.DEFAULT:
            raise ValueError(f"the weights of {name} lie in another file")
        dims = tuple(tensor.dims)
        if dims != needed or tensor.data_type != onnx.TensorProto.FLOAT:
            got = f"the weights of {name} are {dims}"
            raise ValueError(f"{got}, and have to be {needed} in float32")
        array = onnx.numpy_helper.to_array(tensor)
        tensor.ClearField("raw_data")  # half of the memory
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has weights that are not finite numbers")
        arrays.append(array)
    kernel, bias = arrays
    if name == "fc6":
        # The file's fc6 reads the maps channel by channel, the course's pixel by pixel.
        side = math.isqrt(shape[0] // 256)
        kernel = kernel.reshape(-1, 256, side, side)  # outputs, channels, rows, columns
        kernel = kernel.transpose(2, 3, 1, 0).reshape(shape)
    elif is_dense:
        kernel = kernel.T
    else:
        kernel = kernel.transpose(2, 3, 1, 0)  # from filters, channels, rows, columns
    return np.array(kernel, np.float32, order="C"), np.array(bias, np.float32)
