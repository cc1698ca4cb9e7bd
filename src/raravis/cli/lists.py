"""`recipes`, `models`, `augmentations`, `backbones`: what there is."""

from __future__ import annotations

import json as jsonlib

from raravis.cli._app import Debug, Json, Quiet, Seed, app, guard


def _lists(kind: str, about: str) -> None:
    @app.command(kind, help=about)
    def show(seed: Seed = 0, quiet: Quiet = False, json: Json = False, debug: Debug = False) -> None:
        del seed, quiet  # nothing is drawn, and a list is all that there is to say

        def found() -> dict[str, str]:
            from raravis.verbs.available import available

            return available(kind)  # type: ignore[arg-type]

        lines = guard(found, debug)
        if json:
            print(jsonlib.dumps(lines, ensure_ascii=False))
        else:
            width = max(map(len, lines))
            print("\n".join(f"{name:<{width}}  {line}" for name, line in lines.items()))


_lists("recipes", "List the recipes that come with raravis.")
_lists("models", "List the networks.")
_lists("augmentations", "List the augmentation pipelines.")
_lists("backbones", "List the pretrained backbones.")
