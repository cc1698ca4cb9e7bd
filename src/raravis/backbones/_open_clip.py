"""CLIP networks that open_clip trained, on keras-hub's CLIP: both towers, without PyTorch.

Enters: a folder as open_clip publishes it, `open_clip_config.json` and `open_clip_model.safetensors`. Leaves: Keras
models from normalised images, and from tokens, to the space that both share. Sizes come from the configuration; images
of another side than it was trained on get its position embeddings resized.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import engine
from raravis.backbones._open_clip_config import CONFIG, Clip, Tower, read_config
from raravis.errors import UsageError

__all__ = [
    "CONFIG",
    "WEIGHTS",
    "Clip",
    "Tower",
    "image_tower",
    "logit_scale",
    "read_config",
    "read_tensors",
    "text_tower",
]

WEIGHTS: Final = "open_clip_model.safetensors"
INSTALL: Final = "pip install 'raravis[hub]'"

_BESIDE: Final = "Give the weights that belong to the configuration beside them."

Tensors = Mapping[str, NDArray[np.float32]]
Turn = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def read_tensors(file: Path) -> Tensors:
    """The tensors of a safetensors file, as float32.

    Raises:
        UsageError: it is not there, damaged, or a pickled checkpoint, which could execute anything.
    """
    if file.suffix != ".safetensors":
        raise UsageError(
            f"{file.name} is not read: only .safetensors files hold numbers and nothing else.\n"
            f"Take the {WEIGHTS} that is published beside it."
        )
    if not file.is_file():
        raise UsageError(f"The weight file {file} is not there.\nSet the weights to a .safetensors file.")
    from safetensors import SafetensorError

    load = import_module("safetensors.numpy").load_file
    try:
        tensors = {name: np.asarray(tensor, np.float32) for name, tensor in load(str(file)).items()}
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise UsageError(f"{file.name} is damaged or no safetensors file ({error}).\nFetch it again.") from error
    if broken := [name for name, tensor in tensors.items() if not np.isfinite(tensor).all()]:
        raise UsageError(f"{file.name} holds NaN or infinity in {broken[0]}: it is damaged.\nFetch it again.")
    return tensors


def image_tower(clip: Clip, *, size: int, tensors: Tensors | None = None) -> Any:
    """Normalised images `(B, size, size, 3)` → features `(B, D)`, as `encode_image` of open_clip.

    Args:
        clip: the sizes.
        size: side of the images; a multiple of the patch.
        tensors: of a checkpoint; None for random weights.

    Raises:
        UsageError: keras-hub is missing, a size that is no multiple, or tensors of another network.
    """
    keras, clips = engine.keras(), _package()
    tower = clip.image
    if size % tower.patch:
        raise UsageError(
            f"{size} pixels are no multiple of the patches of {tower.patch}; take {size // tower.patch * tower.patch}."
        )
    encoder = clips.CLIPVisionEncoder(
        patch_size=tower.patch,
        hidden_dim=tower.width,
        num_layers=tower.layers,
        num_heads=tower.heads,
        intermediate_dim=tower.hidden,
        intermediate_activation=clip.activation,
        image_shape=(size, size, 3),
        data_format="channels_last",
        name="image_tower",
    )
    projection = keras.layers.Dense(clip.features, use_bias=False, name="image_projection")
    image = keras.Input((size, size, 3), name="image")
    model = keras.Model(image, projection(encoder({"images": image})[:, 0]), name="clip_image")
    if tensors is not None:
        given = _Given(tensors, "visual.")
        embedding = encoder.embedding
        given.put(embedding.class_embedding, "class_embedding")
        given.put(embedding.patch_embedding.kernel, "conv1.weight", lambda w: w.transpose(2, 3, 1, 0))
        given.put(
            embedding.position_embedding.embeddings, "positional_embedding", lambda p: _places(p, size // tower.patch)
        )
        embedding.position_ids.assign(np.arange(embedding.num_positions)[None])
        given.norm(encoder.pre_layer_norm, "ln_pre")
        given.blocks(encoder.encoder_layers, tower)
        given.norm(encoder.layer_norm, "ln_post")
        given.put(projection.kernel, "proj")
        given.all_taken()
    else:
        encoder.embedding.position_ids.assign(np.arange(encoder.embedding.num_positions)[None])
    return model


def text_tower(clip: Clip, tensors: Tensors) -> Any:
    """Tokens int32 `(B, length)`, the largest of which ends the text → features `(B, D)`, as `encode_text`.

    Raises:
        UsageError: keras-hub is missing, or tensors of another network.
    """
    keras, clips = engine.keras(), _package()
    tower = clip.text
    encoder = clips.CLIPTextEncoder(
        vocabulary_size=tower.patch,
        embedding_dim=tower.width,
        hidden_dim=tower.width,
        num_layers=tower.layers,
        num_heads=tower.heads,
        intermediate_dim=tower.hidden,
        intermediate_activation=clip.activation,
        max_sequence_length=tower.length,
        name="text_tower",
    )
    encoder.layer_norm.epsilon = 1e-5  # as in every other norm of CLIP; keras-hub takes a smaller one here
    projection = keras.layers.Dense(clip.features, use_bias=False, name="text_projection")
    tokens = keras.Input((tower.length,), dtype="int32", name="tokens")
    states = encoder({"token_ids": tokens})
    end = keras.ops.one_hot(keras.ops.argmax(tokens, axis=1), tower.length)
    model = keras.Model(tokens, projection(keras.ops.einsum("bl,blw->bw", end, states)), name="clip_text")
    given = _Given({name: t for name, t in tensors.items() if not name.startswith("visual.")}, "")
    given.put(encoder.embedding.token_embedding.embeddings, "token_embedding.weight")
    given.put(encoder.embedding.position_embedding.position_embeddings, "positional_embedding")
    given.blocks(encoder.encoder_layers, tower)
    given.norm(encoder.layer_norm, "ln_final")
    given.put(projection.kernel, "text_projection")
    given.all_taken(but=("logit_scale", "logit_bias", "attn_mask"))
    return model


def logit_scale(tensors: Tensors) -> float:
    """What similarities are multiplied by to be logits.

    Raises:
        UsageError: the checkpoint has none.
    """
    return float(np.exp(_Given(tensors, "").take("logit_scale", ())))


class _Given:
    """Tensors of a checkpoint under a prefix, each put into a variable once."""

    def __init__(self, tensors: Tensors, prefix: str) -> None:
        self._tensors = {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}
        self._prefix, self._left = prefix, set(self._tensors)

    def take(self, name: str, shape: tuple[int, ...] | None = None) -> NDArray[np.float32]:
        """A tensor, of this shape if one is given."""
        if name not in self._tensors:
            raise UsageError(f"The checkpoint has no tensor {self._prefix}{name}: it is of another network.\n{_BESIDE}")
        self._left.discard(name)
        found = self._tensors[name]
        if shape is not None and found.shape != shape:
            raise self._misshapen(name)
        return found

    def put(self, variable: Any, name: str, turned: Turn = lambda tensor: tensor) -> None:
        """Assign a tensor, turned into Keras' order of axes, to a variable."""
        value = turned(self.take(name))
        if tuple(value.shape) != tuple(variable.shape):
            raise self._misshapen(name)
        variable.assign(value)

    def _misshapen(self, name: str) -> UsageError:
        shape = self._tensors[name].shape
        return UsageError(f"The tensor {self._prefix}{name} of shape {shape} is of another network.\n{_BESIDE}")

    def norm(self, layer: Any, name: str) -> None:
        self.put(layer.gamma, f"{name}.weight")
        self.put(layer.beta, f"{name}.bias")

    def dense(self, layer: Any, name: str) -> None:
        self.put(layer.kernel, f"{name}.weight", np.transpose)
        self.put(layer.bias, f"{name}.bias")

    def blocks(self, layers: Any, tower: Tower) -> None:
        split = (tower.heads, tower.width // tower.heads)
        for number, layer in enumerate(layers):
            name = f"transformer.resblocks.{number}"
            self.norm(layer.layer_norm_1, f"{name}.ln_1")
            self.norm(layer.layer_norm_2, f"{name}.ln_2")
            weight = self.take(f"{name}.attn.in_proj_weight", (3 * tower.width, tower.width))
            bias = self.take(f"{name}.attn.in_proj_bias", (3 * tower.width,))
            parts = (layer.attention.query_dense, layer.attention.key_dense, layer.attention.value_dense)
            for part, w, b in zip(parts, np.split(weight, 3), np.split(bias, 3), strict=True):
                part.kernel.assign(w.T.reshape(tower.width, *split))
                part.bias.assign(b.reshape(split))
            out = layer.attention.output_dense
            self.put(out.kernel, f"{name}.attn.out_proj.weight", lambda w: w.T.reshape(*split, tower.width))
            self.put(out.bias, f"{name}.attn.out_proj.bias")
            self.dense(layer.dense_1, f"{name}.mlp.c_fc")
            self.dense(layer.dense_2, f"{name}.mlp.c_proj")

    def all_taken(self, but: tuple[str, ...] = ()) -> None:
        """Refuse what is left over."""
        if left := sorted(self._left - set(but)):
            raise UsageError(f"This network has no {self._prefix}{left[0]}, which the checkpoint holds.\n{_BESIDE}")


def _places(positions: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Position embeddings `(1 + n², W)` for a grid of `side`² patches, resized bicubically where that is another."""
    trained = round(np.sqrt(len(positions) - 1))
    if trained == side:
        return positions
    ops = engine.keras().ops
    grid = positions[1:].reshape(1, trained, trained, -1)
    resized = ops.image.resize(grid, (side, side), interpolation="bicubic", antialias=True, data_format="channels_last")
    return np.concatenate([positions[:1], ops.convert_to_numpy(resized).reshape(side * side, -1)])


def _package() -> Any:
    try:
        return import_module("keras_hub").models
    except ImportError as error:
        raise UsageError(f"CLIP networks need keras-hub, which is not installed.\nInstall it: {INSTALL}") from error
