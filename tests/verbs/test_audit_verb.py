"""The verb: findings.csv, report.html, figures and exit code."""

import csv
import shutil

import raravis

HEADER = ["file_path", "kind", "group", "detail"]


def rows(out) -> list[list[str]]:
    with (out / "findings.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def test_a_clean_folder_has_no_findings(photos36, tmp_path):
    outcome = raravis.audit(str(photos36), out=tmp_path / "audit", quiet=True)
    assert rows(tmp_path / "audit") == [HEADER]
    assert outcome.exit_code == 0
    assert outcome.figures["images"] == 36
    assert outcome.figures["groups_of_copies"] == 0
    assert "nothing was found" in (tmp_path / "audit" / "report.html").read_text(encoding="utf-8")


def test_faults_are_rows_and_an_unreadable_file_is_named(photos36, tmp_path):
    data = shutil.copytree(photos36, tmp_path / "data")
    shutil.copy(data / "canidae" / "00.jpg", data / "felidae" / "again, with comma.jpg")
    (data / "ursidae" / "bad.jpg").write_bytes(b"")
    outcome = raravis.audit(str(data), out=tmp_path / "audit", quiet=True)
    header, *found = rows(tmp_path / "audit")
    assert header == HEADER
    copies = ["canidae/00.jpg", "felidae/again, with comma.jpg"]
    assert [(row[1], row[0]) for row in found] == [
        ("unreadable", "ursidae/bad.jpg"),
        *(("label_conflict", path) for path in copies),
        *(("exact_duplicate", path) for path in copies),
    ]
    assert [row[2] for row in found] == ["-1", "1", "1", "1", "1"]
    assert outcome.exit_code == 3
    assert outcome.unreadable[0].startswith("ursidae/bad.jpg: ")
    assert (outcome.figures["label_conflict"], outcome.figures["groups_of_copies"]) == (2, 1)
    report = outcome.read_next.read_text(encoding="utf-8")
    assert "under different families" in report
    assert "data:image/jpeg;base64," in report


def test_twice_is_the_same(photos36, tmp_path):
    for name in ("a", "b"):
        raravis.audit(str(photos36), out=tmp_path / name, quiet=True)
    assert rows(tmp_path / "a") == rows(tmp_path / "b")
    assert (tmp_path / "a" / "report.html").read_bytes() == (tmp_path / "b" / "report.html").read_bytes()
