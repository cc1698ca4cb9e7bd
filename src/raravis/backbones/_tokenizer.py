"""Text becomes the tokens that a CLIP network reads, by the vocabulary that is published beside its weights."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis.backbones._open_clip import INSTALL
from raravis.errors import UsageError

VOCABULARY: Final = "vocab.json"
MERGES: Final = "merges.txt"


class Tokenizer:
    """CLIP's byte-pair encoding, as keras-hub does it.

    Args:
        folder: holds `vocab.json` and `merges.txt`.
        length: tokens a text.

    Raises:
        UsageError: the files are not there or no vocabulary, or keras-hub is missing.
    """

    def __init__(self, folder: Path, *, length: int) -> None:
        try:
            vocabulary = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
            merges = (folder / MERGES).read_text(encoding="utf-8").splitlines()
            package: Any = import_module("keras_hub")
            self._tokens = package.tokenizers.CLIPTokenizer(
                vocabulary=vocabulary, merges=[m for m in merges if m.strip() and not m.startswith("#version")]
            )
        except ImportError as error:
            raise UsageError(f"Texts need keras-hub, which is not installed.\nInstall it: {INSTALL}") from error
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{folder} holds no vocabulary for texts ({type(error).__name__}: {error}).\n"
                f"The files {VOCABULARY} and {MERGES} that are published beside the weights were expected there."
            ) from error
        self._length = length

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Tokens int32 `(n, length)`: a start, the text, an end, zeros; a text that is too long keeps its beginning."""
        made = np.zeros((len(texts), self._length), np.int32)
        start, end = self._tokens.start_token_id, self._tokens.end_token_id
        for row, text in zip(made, texts, strict=True):
            plain = " ".join(html.unescape(html.unescape(text)).split())
            found = self._tokens._tokenizer.encode(plain, add_special_tokens=False).ids[: self._length - 2]
            row[: len(found) + 2] = [start, *found, end]
        return made
