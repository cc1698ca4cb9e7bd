"""raravis identifies rare animals in photographs.

Every verb of the command line is a function here with the same name and arguments. They are imported when first
used: `import raravis` is quick and loads neither Keras nor pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raravis.verbs import augment
    from raravis.verbs.audit import audit
    from raravis.verbs.compare import compare
    from raravis.verbs.embed import embed
    from raravis.verbs.evaluate import evaluate
    from raravis.verbs.explain import explain
    from raravis.verbs.explore import explore
    from raravis.verbs.export import export
    from raravis.verbs.fetch import fetch
    from raravis.verbs.predict import predict
    from raravis.verbs.reproduce import reproduce
    from raravis.verbs.review import review
    from raravis.verbs.serve import serve
    from raravis.verbs.split import split
    from raravis.verbs.train import train
    from raravis.verbs.tune import tune
    from raravis.verbs.zero_shot import zero_shot

__version__ = "0.1.0"
__all__ = [
    "audit",
    "augment",
    "compare",
    "embed",
    "evaluate",
    "explain",
    "explore",
    "export",
    "fetch",
    "predict",
    "reproduce",
    "review",
    "serve",
    "split",
    "train",
    "tune",
    "zero_shot",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'raravis' has no attribute {name!r}")
    from raravis.extras import told

    with told():
        module = importlib.import_module(f"raravis.verbs.{name}")
    return getattr(module, name, module)  # `augment` is a pair of verbs: a module with both


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
