"""What the JSON formats of others share: how JSON is written, and how far an answer may be believed."""

from __future__ import annotations

import json
from typing import Any, Final

from raravis.serve.row import Row

KEY: Final = "raravis"
"""The name of the additional object; readers of those formats pass over names that they do not know."""


def told(row: Row) -> dict[str, Any]:
    """`{"raravis": {...}}` with the verdict, set, novelty and taxon; empty where nothing is known of that."""
    if not row.verdict:
        return {}
    return {
        KEY: {
            "verdict": row.verdict,
            "prediction_set": list(row.prediction_set),
            "novelty": row.novelty,
            "taxon_rank": row.taxon_rank,
            "taxon": row.taxon,
            "reason": row.reason,
        }
    }


def encoded(value: Any) -> bytes:
    """JSON on one line, UTF-8; halves of surrogates, which UTF-8 cannot hold, as JSON's own escapes."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
