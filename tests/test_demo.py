"""What the demonstration prints of a photograph."""

from raravis.demo import told

ROW = {
    "file_path": "season/canidae-03.jpg",
    "family": "felidae",
    "confidence": "0.34",
    "verdict": "uncertain",
    "taxon_rank": "order",
    "taxon": "carnivora",
    "reason": "confidence 0.34: felidae or canidae",
}


def test_a_doubtful_family_is_not_called_identified():
    line = told(ROW)
    assert line.split()[:4] == ["canidae", "uncertain", "order", "carnivora"]
    assert line.endswith(ROW["reason"])


def test_a_family_that_is_sure_is_named_alone():
    row = {**ROW, "verdict": "identified", "taxon_rank": "family", "taxon": "canidae", "reason": "confidence 0.99"}
    assert told(row).split() == ["canidae", "identified", "canidae", "confidence", "0.99"]
