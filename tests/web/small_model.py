"""A small linear model of drawn animals, fitted in a moment: verdicts, evidence, neighbours, all truly computed."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raravis import lineages
from raravis.data import decode
from raravis.data.sources import bestiary
from raravis.judge.trust import Verdicts
from raravis.serve.predictor import Answer

FAMILIES = ("asteriidae", "felidae", "papilionidae", "psittacidae", "spheniscidae", "strigidae")
STRANGERS = ("actiniidae",)
SIDE = 24
RIDGE = 60.0


@dataclass(frozen=True)
class Neighbour:
    family: str
    image_id: str
    similarity: float
    license: str = ""
    rights_holder: str = "bestiary"
    thumbnail: bytes | None = None


@dataclass(frozen=True)
class Linear:
    """Ridge regression on small pixels."""

    families: tuple[str, ...]
    weights: np.ndarray
    mean: np.ndarray
    features: np.ndarray
    classes: np.ndarray
    thumbnails: tuple[bytes, ...]
    typical: float
    size: int = SIDE
    fit: str = "crop"
    digest: str = "small"
    about = {"kind": "ridge regression on small pixels"}  # noqa: RUF012 (never changed)

    def answer(self, batch):
        flat = _flat(batch)
        logits = 6.0 * ((flat - self.mean) @ self.weights.T)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
        features = _unit(flat)
        novelty = np.clip(1.5 * (1 - (features @ self.features.T).max(axis=1)) / self.typical, 0, 1)
        best, sure = shares.argmax(axis=1), shares.max(axis=1)
        verdict = np.where(novelty > 0.95, 2, np.where(sure > 0.8, 0, 1))
        ranked = np.sort(shares, axis=1)[:, ::-1].cumsum(axis=1)
        width = (ranked < 0.9).sum(axis=1)
        order = np.argsort(np.argsort(-shares, axis=1), axis=1)
        known = lineages.Taxonomy.of(self.families, {})[0].lineages
        taxa = [
            ("family", self.families[b]) if v == 0 else ("phylum", known[self.families[b]]["phylum"])
            for b, v in zip(best, verdict, strict=True)
        ]
        told = {
            0: "{:.0%} sure; answers this sure are right nine times in ten",
            1: "{:.0%} sure, which is not enough for a name",
            2: "stranger than 95% of photographs of known families",
        }
        return Answer(
            shares,
            Verdicts(
                shares,
                order <= width[:, None],
                novelty.astype(np.float32),
                verdict.astype(np.int64),
                np.array([rank for rank, _ in taxa]),
                np.array([name for _, name in taxa]),
                tuple(told[int(v)].format(s) for v, s in zip(verdict, sure, strict=True)),
            ),
            features.astype(np.float32),
        )

    def lineage(self, family):
        return {**lineages.Taxonomy.of(self.families, {})[0].lineages[family], "family": family}

    def heat(self, batch, classes):
        part = (_flat(batch) - self.mean) * self.weights[classes]
        cells = part.reshape(len(batch), SIDE // 3, 3, SIDE // 3, 9).sum(axis=(2, 4)).clip(0)
        return (cells / cells.max(axis=(1, 2), keepdims=True).clip(1e-9)).astype(np.float32)

    def nearest(self, features, count):
        found = []
        for similar in features @ self.features.T:
            best = np.argsort(-similar)[:count]
            found.append(
                [
                    Neighbour(
                        self.families[self.classes[i]], f"{i:064x}", float(similar[i]), thumbnail=self.thumbnails[i]
                    )
                    for i in best
                ]
            )
        return found


def animals(folder: Path) -> Path:
    """Draw some pictures of every family, and of some that the model never meets."""
    bestiary.draw(folder, share=0.12, families=[*FAMILIES, *STRANGERS], quiet=True)
    return folder


def fitted(folder: Path) -> Linear:
    """Fit the model to all but every fifth picture of its families."""
    paths = [
        path for family in FAMILIES for number, path in enumerate(sorted(folder.glob(f"*{family}/*.jpg"))) if number % 5
    ]
    names = [path.parent.name.rpartition("_")[2] for path in paths]
    data = [path.read_bytes() for path in paths]
    classes = np.array([FAMILIES.index(name) for name in names])
    flat = _flat(np.stack([decode.pixels(one, SIDE, "crop") for one in data]))
    features, wanted = _unit(flat), np.eye(len(FAMILIES))[classes] - 1 / len(FAMILIES)
    mean = flat.mean(axis=0)
    centred = flat - mean
    weights = (centred.T @ np.linalg.solve(centred @ centred.T + RIDGE * np.eye(len(flat)), wanted)).T
    alike = features @ features.T
    np.fill_diagonal(alike, -1)
    typical = float(np.quantile(1 - alike.max(axis=1), 0.95))
    return Linear(FAMILIES, weights, mean, features, classes, tuple(map(_thumbnail, data)), typical * 1.5)


def _flat(batch: np.ndarray) -> np.ndarray:
    return batch.reshape(len(batch), -1) / 127.5 - 1


def _unit(flat: np.ndarray) -> np.ndarray:
    centred = flat - flat.mean(axis=1, keepdims=True)
    return centred / np.linalg.norm(centred, axis=1, keepdims=True)


def _thumbnail(data: bytes) -> bytes:
    image = decode.open_upright(data, around=96)
    image.thumbnail((96, 96))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    return stream.getvalue()
