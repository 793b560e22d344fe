"""Runs the network of an ONNX file by torch in bfloat16, channels last, on the CPU or a GPU.

A convolution takes and gives bfloat16, as processors and GPUs with matrix units want it; means, products at the end
and the probability are float32, so that high scores keep their order. Only the operators that exported networks are
made of are known; another one is refused by its name.

Runs in: anywhere
Source: ONNX operators, version 17 of ai.onnx (onnx.ai/onnx/operators); torch's channels-last memory format.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.compute.model_gate import parse_onnx
from workbench.errors import InvalidInput

if TYPE_CHECKING:
    import torch
    from onnx import NodeProto

LARGEST_INT = 2**31


class TorchGraph:
    """The network of an ONNX file, ready to be asked.

    Parameters
    ----------
    content : bytes
        An ONNX file that passed `model_gate.check_model`.
    device : str
        ``cpu`` or ``cuda``.

    Raises
    ------
    InvalidInput
        When it uses an operator that is not known here.
    """

    def __init__(self, content: bytes, device: str = "cpu") -> None:
        import torch  # noqa: PLC0415 - heavy, loaded on first use
        from onnx import numpy_helper  # noqa: PLC0415 - the same

        graph = parse_onnx(content).graph
        self._torch, self._device = torch, device
        self._weights: dict[str, Any] = {}
        for tensor in graph.initializer:
            self._weights[tensor.name] = self._placed(numpy_helper.to_array(tensor))
        self._nodes = [(self._operator(node), list(node.input), node.output[0], _settings(node)) for node in graph.node]
        # Kernels want the weights of a convolution in bfloat16, and in their own order; once, not at every call.
        for node in graph.node:
            if node.op_type == "Conv":
                for name in node.input[1:]:
                    if name in self._weights:
                        self._weights[name] = self._last(self._weights[name])
        self._input, self._output = graph.input[0].name, graph.output[0].name

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the probabilities of a batch of inputs, as the file's own output."""
        known = {**self._weights, self._input: self._torch.from_numpy(values).to(self._device), "": None}
        with self._torch.inference_mode():
            for operator, inputs, output, settings in self._nodes:
                known[output] = operator([known[name] for name in inputs], settings)
        result: NDArray[np.float32] = known[self._output].float().cpu().numpy()
        return result

    def _operator(self, node: NodeProto) -> Callable[[list[Any], dict[str, Any]], Any]:
        known = getattr(self, f"_op_{node.op_type.lower()}", None)
        if known is None or node.domain not in ("", "ai.onnx") or len(node.output) != 1:
            raise InvalidInput(
                f"The model uses the operator {node.op_type[:40]}, which torch-bf16 does not run; use "
                "`--engine onnxruntime`.", code="unknown-operator",
            )  # fmt: skip
        operator: Callable[[list[Any], dict[str, Any]], Any] = known
        return operator

    def _placed(self, array: NDArray[Any]) -> torch.Tensor:
        """Put weights on the device; whole numbers say sizes and places, which are read on the CPU."""
        tensor = self._torch.from_numpy(np.array(array))
        return tensor.to(self._device) if tensor.is_floating_point() else tensor

    def _last(self, tensor: torch.Tensor) -> torch.Tensor:
        """Give a tensor in bfloat16, channels last."""
        formats = {4: self._torch.channels_last, 5: self._torch.channels_last_3d}
        order = formats.get(tensor.dim(), self._torch.preserve_format)
        return tensor.to(dtype=self._torch.bfloat16, memory_format=order)

    def _op_conv(self, given: list[Any], settings: dict[str, Any]) -> Any:
        functional = self._torch.nn.functional
        image, weight, bias = (*given, None)[:3]
        axes = weight.dim() - 2
        pads = settings.get("pads", [0] * 2 * axes)
        image = self._last(image)
        padding = tuple(pads[:axes])
        if pads[:axes] != pads[axes:]:
            around = [end for axis in reversed(range(axes)) for end in (pads[axis], pads[axis + axes])]
            image, padding = functional.pad(image, around), (0,) * axes
        convolve = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}[axes]
        return convolve(
            image, weight, bias, tuple(settings.get("strides", [1] * axes)), padding,
            tuple(settings.get("dilations", [1] * axes)), settings.get("group", 1),
        )  # fmt: skip

    def _op_maxpool(self, given: list[Any], settings: dict[str, Any]) -> Any:
        kernel = settings["kernel_shape"]
        axes = len(kernel)
        pads = settings.get("pads", [0] * 2 * axes)
        if pads[:axes] != pads[axes:] or settings.get("ceil_mode", 0):
            raise InvalidInput("The model pools in a way that torch-bf16 does not run; use `--engine onnxruntime`.")
        pool = {2: self._torch.nn.functional.max_pool2d, 3: self._torch.nn.functional.max_pool3d}[axes]
        return pool(given[0], kernel, settings.get("strides", [1] * axes), pads[:axes])

    def _op_resize(self, given: list[Any], settings: dict[str, Any]) -> Any:
        scales = given[2].tolist() if len(given) > 2 and given[2] is not None else []
        if settings.get("mode") != b"nearest" or scales[:2] != [1.0, 1.0]:
            raise InvalidInput("The model resizes in a way that torch-bf16 does not run; use `--engine onnxruntime`.")
        return self._torch.nn.functional.interpolate(given[0], scale_factor=scales[2:], mode="nearest")

    def _op_slice(self, given: list[Any], settings: dict[str, Any]) -> Any:
        tensor, starts, ends = given[0], given[1].tolist(), given[2].tolist()
        axes = given[3].tolist() if len(given) > 3 and given[3] is not None else list(range(len(starts)))
        steps = given[4].tolist() if len(given) > 4 and given[4] is not None else [1] * len(starts)
        for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
            size = tensor.shape[axis]
            if step > 0:
                index = slice(max(start, -size), min(end, LARGEST_INT), step)
                tensor = tensor[(slice(None),) * (axis % tensor.dim()) + (index,)]
            elif (start, step) in ((-1, -1), (size - 1, -1)) and end < -size:
                tensor = tensor.flip(axis)
            else:
                raise InvalidInput("The model cuts in a way that torch-bf16 does not run; use `--engine onnxruntime`.")
        return tensor

    def _op_gemm(self, given: list[Any], settings: dict[str, Any]) -> Any:
        first, second = given[0].float(), given[1].float()
        first = first.T if settings.get("transA") else first
        second = second.T if settings.get("transB") else second
        product = settings.get("alpha", 1.0) * (first @ second)
        return product + settings.get("beta", 1.0) * given[2].float() if len(given) > 2 else product

    def _op_matmul(self, given: list[Any], settings: dict[str, Any]) -> Any:
        return given[0].float() @ given[1].float()

    def _op_reducemean(self, given: list[Any], settings: dict[str, Any]) -> Any:
        axes = settings.get("axes") or (given[1].tolist() if len(given) > 1 else None)
        return given[0].float().mean(dim=axes, keepdim=bool(settings.get("keepdims", 1)))

    def _op_globalaveragepool(self, given: list[Any], settings: dict[str, Any]) -> Any:
        return given[0].float().mean(dim=tuple(range(2, given[0].dim())), keepdim=True)

    def _op_sigmoid(self, given: list[Any], settings: dict[str, Any]) -> Any:
        return self._torch.sigmoid(given[0].float())

    def _op_relu(self, given: list[Any], settings: dict[str, Any]) -> Any:
        return self._torch.relu(given[0])

    def _op_concat(self, given: list[Any], settings: dict[str, Any]) -> Any:
        return self._torch.cat(given, dim=settings["axis"])

    def _op_squeeze(self, given: list[Any], settings: dict[str, Any]) -> Any:
        axes = settings.get("axes") or (given[1].tolist() if len(given) > 1 else None)
        return given[0].squeeze() if axes is None else given[0].squeeze(tuple(axes))

    def _op_unsqueeze(self, given: list[Any], settings: dict[str, Any]) -> Any:
        tensor = given[0]
        for axis in sorted(settings.get("axes") or given[1].tolist()):
            tensor = tensor.unsqueeze(axis)
        return tensor

    def _op_flatten(self, given: list[Any], settings: dict[str, Any]) -> Any:
        axis = settings.get("axis", 1)
        return given[0].reshape(int(np.prod(given[0].shape[:axis])), -1)

    def _op_constant(self, given: list[Any], settings: dict[str, Any]) -> Any:
        from onnx import numpy_helper  # noqa: PLC0415 - heavy, loaded on first use

        if "value" not in settings:
            raise InvalidInput("The model holds a constant that torch-bf16 does not read; use `--engine onnxruntime`.")
        return self._placed(numpy_helper.to_array(settings["value"]))

    def _op_identity(self, given: list[Any], settings: dict[str, Any]) -> Any:
        return given[0]

    def _op_add(self, given: list[Any], settings: dict[str, Any]) -> Any:
        return given[0] + given[1]

    def _op_sub(self, given: list[Any], settings: dict[str, Any]) -> Any:
        return given[0] - given[1]

    def _op_mul(self, given: list[Any], settings: dict[str, Any]) -> Any:
        return given[0] * given[1]

    def _op_div(self, given: list[Any], settings: dict[str, Any]) -> Any:
        return given[0] / given[1]


def _settings(node: NodeProto) -> dict[str, Any]:
    from onnx import helper  # noqa: PLC0415 - heavy, loaded on first use

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
