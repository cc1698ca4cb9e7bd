"""A network saved as a `.keras` file, cut at a layer: any file by its path, those in `RARAVIS_WEIGHTS` by their stem.

`FILE.keras@LAYER` cuts at that layer. What stands in a TOML file of the same stem beside it holds otherwise:

    cut = "block_12_relu"           # default: the layer `embedding`, else the last feature map; tokens are averaged
    mean = [123.7, 116.3, 103.5]    # the network is given (image − mean) · scale; one number, or one a channel
    scale = 0.0171
    order = "BGR"                   # default: RGB

Without such a file the network must scale images itself, or be one of those whose scaling is known here.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from raravis import engine
from raravis.backbones._weights import all_finite
from raravis.errors import UsageError, unknown

Levels = float | tuple[float, float, float]


class About(BaseModel):
    """What is known of a file.

    Attributes:
        cut: the layer that gives the features; "" for the one that seems right.
        mean: subtracted from pixels 0–255.
        scale: multiplies what is left.
        order: of the channels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cut: str = ""
    mean: Levels = 0.0
    scale: Levels = 1.0
    order: Literal["RGB", "BGR"] = "RGB"


_KNOWN: Final = {"mobilenet_edgetpu": About(mean=128, scale=0.007874016)}
"""Published networks without preprocessing of their own, by the beginning of their files' names."""


def names() -> Mapping[str, str]:
    """The `.keras` files in the folder `RARAVIS_WEIGHTS`, by stem."""
    folder = os.environ.get("RARAVIS_WEIGHTS")
    files = sorted(Path(folder).expanduser().glob("*.keras")) if folder else []
    return {file.stem: f"saved network {file.name}" for file in files}


def owns(name: str) -> bool:
    """Whether `name` is a saved network: the path of a `.keras` file or a stem of `names()`; a layer may follow."""
    stem = name.partition("@")[0]
    return stem.endswith(".keras") or stem in names()


def at_hand(name: str) -> bool:
    """Whether the file lies in the folder `RARAVIS_WEIGHTS`."""
    return name in names()


def build(name: str, *, size: int, weights: str) -> Any:
    """The network up to its cut, for images of `size` pixels; see `backbones` for the contract.

    Args:
        name: see the module.
        size: side of the images in pixels.
        weights: `imagenet` for those in the file, `none` for random ones of the same architecture.

    Raises:
        UsageError: no such file or layer, a damaged file, a size it cannot take, or nothing says how it wants images.
    """
    if weights not in ("imagenet", "none"):
        raise UsageError(f"{name} holds its own weights; set its weights to 'imagenet' or 'none', not {weights!r}.")
    keras = engine.keras()
    file, layer = _parts(name)
    whole = _load(file)
    about = _about(file)
    if about is None and not any(isinstance(part, _scaling(keras)) for part in whole.layers):
        raise UsageError(
            f"Nothing says how {file.name} wants its images: it does not scale them itself.\n"
            f"State mean and scale in {file.with_suffix('.toml').name} beside it; see the page on backbones."
        )
    trunk = keras.Model(_image(whole, file), _cut(whole, layer or (about.cut if about else ""), file), name="trunk")
    if trunk.input.shape[1:] == (size, size, 3) and weights == "imagenet":
        return trunk
    try:
        copy = keras.models.clone_model(trunk, input_tensors=keras.Input((size, size, 3)))
    except Exception as error:  # every layer has its own words for a shape that it cannot take
        raise UsageError(
            f"{file.name} cannot take images of {size} pixels: {_line(error)}\nIt was saved for {trunk.input.shape[1]}."
        ) from error
    if weights == "imagenet":
        copy.set_weights(trunk.get_weights())
    return copy


def preprocess(name: str, images: Any) -> Any:
    """What the network was trained to expect, from RGB 0–255: the identity where it scales images itself."""
    about = _about(_parts(name)[0])
    if about is None:
        return images
    if about.order == "BGR":
        images = engine.keras().ops.take(images, [2, 1, 0], axis=-1)
    scale = np.broadcast_to(np.asarray(about.scale), 3)
    offset = -scale * np.asarray(about.mean)
    return engine.keras().layers.Rescaling(scale.tolist(), offset.tolist())(images)


def _parts(name: str) -> tuple[Path, str]:
    """The file and the layer that a name means."""
    stem, _, layer = name.partition("@")
    if stem in names():
        return Path(os.environ["RARAVIS_WEIGHTS"]).expanduser() / f"{stem}.keras", layer
    return Path(stem).expanduser(), layer


def _load(file: Path) -> Any:
    if not file.is_file():
        raise UsageError(f"The saved network {file} is not there; the path of a .keras file was expected.")
    with file.open("rb") as stream:
        archive = stream.read(2) == b"PK"
    if not archive:
        raise UsageError(
            f"{file.name} is no .keras file, which is a zip archive; it was not opened, as a pickle could execute.\n"
            "Save the network with Keras' `model.save`."
        )
    try:
        found = engine.keras().saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # zipfile, h5py and Keras raise many kinds for one fault: no whole .keras file
        raise UsageError(f"{file.name} cannot be read as a .keras file: {_line(error)}\nSave it again.") from error
    all_finite(found, file)
    return found


def _about(file: Path) -> About | None:
    """What is known of a file: what stands beside it, else what is known of its name."""
    beside = file.with_suffix(".toml")
    if not beside.is_file():
        return next((about for stem, about in _KNOWN.items() if file.name.startswith(stem)), None)
    try:
        return About.model_validate(tomllib.loads(beside.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in _faults(error)) or str(error)
        raise UsageError(f"{beside.name}: {told}\nIt may state cut, mean, scale and order.") from error


def _faults(error: Exception) -> list[Any]:
    return list(error.errors()) if isinstance(error, ValidationError) else []


def _image(model: Any, file: Path) -> Any:
    """The one thing that the network is given."""
    given = getattr(model, "inputs", None) or []
    if len(given) != 1:
        raise UsageError(f"{file.name} cannot be cut: it takes {len(given)} inputs, and one image was expected.")
    return given[0]


def _cut(model: Any, layer: str, file: Path) -> Any:
    """What the layer that gives the features gives."""
    known = {part.name: part.output for part in model.layers}
    if layer and layer not in known:
        raise UsageError(unknown(f"layer of {file.name}", layer, list(known)))
    maps = [name for name, found in known.items() if len(_shape(found)) == 4]
    if not layer and "embedding" not in known and not maps:
        raise UsageError(f"{file.name} has no feature map; name the layer to cut at: {file.name}@LAYER.")
    name = layer or ("embedding" if "embedding" in known else maps[-1])
    if len(shape := _shape(known[name])) not in (2, 3, 4):
        told = f"one output of shape {shape}" if shape else "several outputs"
        raise UsageError(
            f"{file.name} cannot be cut at the layer {name!r}, which has {told}.\n"
            "A feature map (B, h, w, C), tokens (B, T, C) or features (B, D) were expected; name another layer."
        )
    return known[name]


def _shape(output: Any) -> tuple[int | None, ...]:
    """Of what a layer gives; () where that is several things."""
    return tuple(getattr(output, "shape", ()))


def _scaling(keras: Any) -> tuple[type, ...]:
    return keras.layers.Rescaling, keras.layers.Normalization


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
