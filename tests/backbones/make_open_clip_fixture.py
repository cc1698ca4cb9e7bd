"""Makes checkpoints with random weights by open_clip itself, and what open_clip makes of images and texts with them.

Run where open_clip_torch is installed, which raravis does not need:

    python make_open_clip_fixture.py tiny FOLDER              # the fixture of the tests: CLIP of the smallest sizes
    python make_open_clip_fixture.py ViT-B-16 FOLDER          # an architecture that open_clip knows
"""

import json
import sys
from pathlib import Path

import numpy as np
import open_clip
import torch
from open_clip.model import CLIP
from safetensors.torch import save_file

TINY = {
    "embed_dim": 8,
    "quick_gelu": False,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 16, "head_width": 8, "patch_size": 8},
    "text_cfg": {"context_length": 12, "vocab_size": 40, "width": 16, "heads": 2, "layers": 2},
}


def main(name: str, folder: Path) -> None:
    torch.manual_seed(0)
    about = TINY if name == "tiny" else open_clip.get_model_config(name)
    model = CLIP(**about).eval()
    with torch.no_grad():  # norms and biases begin at 1 and 0, which would hide that they are mixed up
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    side, words = about["vision_cfg"]["image_size"], about["text_cfg"]
    images = torch.randn(2, 3, side, side)
    length, vocabulary = words.get("context_length", 77), words.get("vocab_size", 49408)
    tokens = torch.zeros(2, length, dtype=torch.long)
    for row, count in zip(tokens, (3, length - 2), strict=True):
        row[: count + 2] = torch.tensor(
            [vocabulary - 2, *torch.randint(0, vocabulary - 2, (count,)).tolist(), vocabulary - 1]
        )
    with torch.no_grad():
        found = {"image_features": model.encode_image(images), "text_features": model.encode_text(tokens)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": about}))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    np.savez(
        folder / "expected.npz",
        images=images.permute(0, 2, 3, 1).numpy(),
        tokens=tokens.numpy().astype(np.int32),
        **{name: value.numpy() for name, value in found.items()},
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
