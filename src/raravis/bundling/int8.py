"""The int8 form of an exported network, for ONNX Runtime: a quarter of the bytes, and what that costs."""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import engine, files
from raravis.errors import RunError
from raravis.runtimes._exported import hushed
from raravis.runtimes._runner import first_line

CALIBRATED_ON: Final = 128
"""Training images on which the ranges of activations are found."""
_DRAWS: Final = 2000


def write(model: Path, file: Path, images: NDArray[np.uint8]) -> None:
    """Write the network with weights and activations of 8 bits (QDQ, weights by channel), without its evidence.

    Args:
        model: the ONNX file.
        file: to write.
        images: RGB `uint8` `(n, size, size, 3)`, on which the ranges of activations are found; training images.

    Raises:
        RunError: the quantiser cannot do it.
        StorageError: it cannot be written.
    """
    with hushed("onnxruntime", "root"):
        engine.onnxruntime()  # by its door
        onnx, quantization = import_module("onnx"), import_module("onnxruntime.quantization")

        class Reader(quantization.CalibrationDataReader):  # type: ignore[name-defined]
            """Hands out one image at a time."""

            def __init__(self) -> None:
                self.left = iter(images[:CALIBRATED_ON])

            def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
                image = next(self.left, None)
                return None if image is None else {"image": image[None]}

        with tempfile.TemporaryDirectory(prefix="raravis-", ignore_cleanup_errors=True) as folder:
            plain, small = Path(folder) / "plain.onnx", Path(folder) / "small.onnx"
            try:
                onnx.utils.extract_model(str(model), str(plain), ["image"], ["logits", "embedding"])
                quantization.quantize_static(
                    str(plain),
                    str(small),
                    Reader(),
                    quant_format=quantization.QuantFormat.QDQ,
                    per_channel=True,
                    op_types_to_quantize=["Conv", "Gemm", "MatMul"],
                    extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
                )
                made = onnx.load_model(str(small))
            except Exception as error:  # the quantiser raises whatever it meets
                raise RunError(f"The network cannot be made int8: {first_line(error)}\nLeave --int8 out.") from error
        used = {node.domain for node in made.graph.node}
        kept = [one for one in made.opset_import if one.domain in used | {"", "ai.onnx"}]
        del made.opset_import[:]
        made.opset_import.extend(kept)
        with files.atomic(file) as stream:
            stream.write(made.SerializeToString())


def loss(exact: NDArray[Any], small: NDArray[Any], classes: NDArray[np.int64], *, seed: int) -> dict[str, Any]:
    """What a smaller network loses, on images with their true families.

    Args:
        exact: logits `(n, K)` of the network itself.
        small: of its smaller form.
        classes: int64 `(n,)`.
        seed: of the bootstrap.

    Returns:
        JSON-able: `n`, `accuracy` of the small one, `lost` of the exact one's, its 95% interval `ci95` by a paired
        bootstrap over images, and `agreement`, the share of images of which both say the same family.
    """
    first, second = exact.argmax(axis=1), small.argmax(axis=1)
    lost = (first == classes).astype(np.float64) - (second == classes)
    drawn = np.random.default_rng(seed).integers(0, len(lost), (_DRAWS, len(lost)))
    low, high = np.quantile(lost[drawn].mean(axis=1), (0.025, 0.975))
    return {
        "n": len(lost),
        "accuracy": float((second == classes).mean()),
        "lost": float(lost.mean()),
        "ci95": [float(low), float(high)],
        "agreement": float((first == second).mean()),
    }
