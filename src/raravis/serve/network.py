"""The network of a bundle in ONNX Runtime: images enter, what it says of them leaves.

Its file is checked before the runtime sees it, and what the runtime says of inputs and outputs is held against what the
bundle says.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import engine
from raravis.errors import BundleError, UsageError
from raravis.serve import _onnx
from raravis.serve.folder import Folder

CHUNK: Final = 2
"""Images that a network is given at once: what lies between its layers then stays in the processor's caches."""
_INSTALL: Final = "pip install 'raravis[field]'"


@dataclass
class Network:
    """A network that is ready to run.

    Of many images each thread computes some from the first layer to the last. Threads that share every layer are as
    fast on an idle machine, but wait for each other at every layer while anything else runs, decoding for example: a
    process that takes 30% of one of two cores halves them, and costs these no more than it takes.

    Attributes:
        held: the bundle that it is of.
        name: of its file.
        session: ONNX Runtime's, of one thread; many may run it at once.
        shared: another, whose layers all threads share; None before `prepare`.
        options: of every run.
        size: side of its images, in pixels.
        count: number of families, K.
        width: of the embedding, D.
        places: height and width of the evidence; None where it tells none.
        threads: that it computes on.
        pool: of these threads; calls from several threads take turns in it.
    """

    held: Folder
    name: str
    session: Any
    shared: Any | None
    options: Any
    size: int
    count: int
    width: int
    places: tuple[int, int] | None
    threads: int
    pool: ThreadPoolExecutor

    @classmethod
    def open(cls, held: Folder, name: str, *, threads: int) -> Network:
        """Open a network of a bundle.

        Args:
            held: the bundle.
            name: of the file.
            threads: that it computes on.

        Raises:
            BundleError: the file is not the one that was exported, holds more than a network, or another one.
            UsageError: ONNX Runtime is not installed.
        """
        session = _session(held, name, threads=1)
        try:
            shapes = {one.name: (one.type, one.shape) for one in (*session.get_inputs(), *session.get_outputs())}
            width, places = _shapes(shapes, len(session.get_inputs()), held.size, len(held.families))
        except Exception as error:  # a stranger's network can be wrong in as many ways as there are
            raise held.damaged(name, error) from None
        options = engine.onnxruntime().RunOptions()
        options.only_execute_path_to_fetches = True  # evidence is not computed unless it is asked for
        options.log_severity_level = 4
        pool = ThreadPoolExecutor(threads, thread_name_prefix="raravis-network")
        return cls(held, name, session, None, options, held.size, len(held.families), width, places, threads, pool)

    def prepare(self) -> None:
        """Let fewer images than threads be computed by all threads: sooner, for the memory of the weights once more.

        Raises:
            BundleError: as of `open`.
        """
        if self.shared is None and self.threads > 1:
            self.shared = _session(self.held, self.name, threads=self.threads)

    def __call__(self, batch: NDArray[np.uint8], wanted: tuple[str, ...]) -> list[NDArray[np.float32]]:
        """What it makes of RGB `uint8` `(B, size, size, 3)`; what is not wanted is not computed.

        Args:
            batch: the images.
            wanted: of `logits` `(B, K)`, `embedding` `(B, D)`, and `evidence` `(B, h, w, K)` where it tells such.

        Returns:
            The same in that order, float32.

        Raises:
            BundleError: it does not run, or gives no finite numbers.
            UsageError: images of another shape or dtype.
        """
        if batch.dtype != np.uint8 or batch.shape[1:] != (self.size, self.size, 3):
            raise UsageError(
                f"Images uint8 (B, {self.size}, {self.size}, 3) were expected; found {batch.dtype} {batch.shape}."
            )
        shapes = {"logits": (self.count,), "embedding": (self.width,), "evidence": (*(self.places or ()), self.count)}
        found = [np.empty((len(batch), *shapes[name]), np.float32) for name in wanted]
        session, abreast = self.session, self.threads
        if self.shared is not None and len(batch) < self.threads:
            session, abreast = self.shared, 1
        step = min(CHUNK, max(1, len(batch) // abreast))

        def run(start: int) -> None:
            some = np.ascontiguousarray(batch[start : start + step])
            for whole, part in zip(found, session.run(wanted, {"image": some}, self.options), strict=True):
                whole[start : start + step] = part

        each = map if abreast == 1 else self.pool.map
        try:
            list(each(run, range(0, len(batch), step)))
        except Exception as error:  # the runtime raises many kinds
            told = " ".join(str(error).split())[:200]
            raise BundleError(f"The network of the bundle does not run: {told}.\nExport it again.") from None
        if not all(np.isfinite(one).all() for one in found):
            raise BundleError("The network gives no finite numbers (NaN or infinity): it is damaged.\nExport it again.")
        return found


def _session(held: Folder, name: str, *, threads: int) -> Any:
    """ONNX Runtime's session of a file; raises as `Network.open`."""
    content = held.read(name)
    _onnx.check(content)
    try:
        runtime = engine.onnxruntime()
    except ImportError:
        raise UsageError(f"A bundle is run by ONNX Runtime, which is not installed: {_INSTALL}") from None
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises many kinds for one fault: no network
        raise held.damaged(name, error) from None


def _shapes(
    found: Mapping[str, tuple[str, list[Any]]], inputs: int, size: int, count: int
) -> tuple[int, tuple[int, int] | None]:
    """The width of the embedding, and height and width of the evidence; ValueError where something else is found."""
    if inputs != 1 or found["image"][0] != "tensor(uint8)" or found["image"][1][1:] != [size, size, 3]:
        raise ValueError(f"it takes {found.get('image')}; images of {size} pixels were expected")
    told = {name: shape for name, (kind, shape) in found.items() if kind == "tensor(float)"}
    if len(told["logits"]) != 2 or told["logits"][1] != count:
        raise ValueError(f"its logits are {told['logits']}; {count} families were expected")
    if len(told["embedding"]) != 2 or type(told["embedding"][1]) is not int:
        raise ValueError(f"its embedding is {told['embedding']}")
    if "evidence" not in told:
        return told["embedding"][1], None
    _, *places, families = told["evidence"]
    if len(places) != 2 or families != count or any(type(side) is not int for side in places):
        raise ValueError(f"its evidence is {told['evidence']}")
    return told["embedding"][1], (places[0], places[1])
