"""What the API answers, field by field: the models that its description (OpenAPI) is made from."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from raravis.serve.row import Row

_MODEL: Final = "3f1d0c5e8a94b7726c1e9d48f05ab3716dd2e84c9b07a5f3128e6c40d97b51aa"
_PHOTOGRAPH: Final = "b80a4c17de5293f6a1447e0c8d3b96f25e71c0a8943fdb62708e15ca6d49f310"


def _like(example: dict[str, Any]) -> ConfigDict:
    """What a model is described with: an example of its answers (FastAPI leaves nulls out of them)."""
    return ConfigDict(json_schema_extra={"examples": [example]})


class Identified(BaseModel):
    """One photograph: the columns of `raravis predict`, lists as lists."""

    model_config = _like(
        {
            "file_path": "IMG_0412.JPG",
            "status": "ok",
            "error": "",
            "verdict": "identified",
            "family": "felidae",
            "confidence": 0.973512,
            "top_families": ["felidae", "viverridae", "hyaenidae"],
            "top_confidences": [0.973512, 0.011204, 0.004117],
            "prediction_set": ["felidae"],
            "novelty": 0.2143,
            "taxon_rank": "family",
            "taxon": "felidae",
            "reason": "97% sure, and 90% of answers this sure are right",
        }
    )

    file_path: str = Field(description="The file's name, as it was given, without folders.")
    status: Literal["ok", "unreadable"]
    error: str = Field(description="Why it cannot be read, in words; empty when it was.")
    verdict: Literal["identified", "uncertain", "unfamiliar", ""] = Field(
        description="How far it may be believed; empty where nothing is known of that, or for an unreadable file."
    )
    family: str = Field(description="The likeliest family; empty for an unreadable file.")
    confidence: float | None = Field(description="Its probability, calibrated, 0–1.")
    top_families: list[str] = Field(description="The likeliest families, best first.")
    top_confidences: list[float] = Field(description="Their probabilities.")
    prediction_set: list[str] = Field(description="The families that hold the true one as often as was promised.")
    novelty: float | None = Field(description="Share of photographs of known families that are less strange, 0–1.")
    taxon_rank: str = Field(description="The lowest rank that the evidence supports.")
    taxon: str = Field(description="What it is at that rank.")
    reason: str = Field(description="Why the verdict, in words.")

    @classmethod
    def of(cls, row: Row) -> Identified:
        """Write a row, rounded as in the table."""
        confidences = [round(value, 6) for value in row.confidences]
        return cls(
            file_path=row.file_path,
            status="unreadable" if row.error else "ok",
            error=row.error,
            verdict=row.verdict,  # type: ignore[arg-type]  # one of `judge.trust.VERDICTS`, checked here
            family=row.families[0] if row.families else "",
            confidence=confidences[0] if confidences else None,
            top_families=list(row.families),
            top_confidences=confidences,
            prediction_set=list(row.prediction_set),
            novelty=None if row.novelty is None else round(row.novelty, 4),
            taxon_rank=row.taxon_rank,
            taxon=row.taxon,
            reason=row.reason,
        )


class About(BaseModel):
    """The model that answers."""

    model_config = _like(
        {
            "name": "mammals",
            "digest": _MODEL,
            "families": ["canidae", "felidae", "hyaenidae", "viverridae"],
            "size": 224,
            "fit": "pad",
            "heat": True,
            "limits": {"file_bytes": 20 << 20, "request_bytes": 64 << 20, "files": 32, "pixels": 100_000_000},
            "about": {
                "name": "mammals",
                "made": {"raravis": "0.1.0", "at": "2026-03-14T09:26:53+00:00"},
                "run": {"recipe": "probe", "seed": 0, "data": "mammals.csv"},
            },
        }
    )

    name: str
    digest: str = Field(description="SHA-256 that names this model; empty where nothing does.")
    families: list[str]
    size: int = Field(description="Side of the square that it sees, in pixels.")
    fit: str = Field(description="How a photograph is made square for it: squash, pad or crop.")
    heat: bool = Field(description="Whether it shows where the evidence lies.")
    limits: dict[str, float] = Field(description="What one request may bring.")
    about: dict[str, Any] = Field(description="What the model tells of itself.")


class Corrected(BaseModel):
    """A correction that is on the server's disk."""

    model_config = _like({"id": 12, "file_name": "IMG_0413.JPG", "told": "viverridae", "family": "felidae", "note": ""})

    id: int = Field(description="Its number, to undo it by.")
    file_name: str
    told: str = Field(description="The family that the model told.")
    family: str = Field(description="The family that it is said to be.")
    note: str = Field(description="That the model does not know the family, and what may be meant; or empty.")


class Kept(BaseModel):
    """One correction of the history."""

    model_config = _like(
        {
            "id": 12,
            "time": "2026-03-14T10:02:41.318+00:00",
            "who": "Ada",
            "model": _MODEL,
            "file_name": "IMG_0413.JPG",
            "told": "viverridae",
            "family": "felidae",
            "image_id": _PHOTOGRAPH,
            "undone": "",
        }
    )

    id: int
    time: str = Field(description="When, ISO 8601 in UTC.")
    who: str
    model: str = Field(description="Digest of the model that was corrected.")
    file_name: str
    told: str
    family: str
    image_id: str = Field(description="SHA-256 of the photograph.")
    undone: str = Field(description="When it was taken back; empty for one that stands.")


class Problem(BaseModel):
    """Why a request was refused."""

    model_config = _like({"detail": "No photograph came with the request; the form's field for them is `files`."})

    detail: str


class Health(BaseModel):
    """That the server is up."""

    model_config = _like({"status": "ok"})

    status: Literal["ok"] = "ok"
