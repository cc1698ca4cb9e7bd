"""Small pictures for the tests of the sources: they are listed, not decoded."""

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from raravis.data.sources import Listing, Request, open_source


@pytest.fixture
def touch() -> Callable[..., Path]:
    """Make a file with its folders; a source never looks inside."""

    def make(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        return path

    return make


@pytest.fixture
def listed() -> Callable[..., Listing]:
    """List DATA as a verb would."""

    def ask(data: object, **options: object) -> Listing:
        return open_source(Request(str(data), **options), quiet=True)

    return ask


DWC = "http://rs.tdwg.org/dwc/terms/"
DC = "http://purl.org/dc/terms/"
ROW_TYPES = {"Occurrence": f"{DWC}Occurrence", "Multimedia": "http://rs.gbif.org/terms/1.0/Multimedia"}


def _described(kind: str, location: str, row_type: str, columns: list[str], settings: str) -> str:
    """One table of a meta.xml; the first column is the id."""
    dublin = ("license", "rightsHolder", "references", "identifier")
    terms = [f"{DC if name in dublin else DWC}{name}" for name in columns]
    fields = "".join(f'<field index="{i}" term="{term}"/>' for i, term in enumerate(terms) if i)
    own = "id" if kind == "core" else "coreid"
    return (
        f'<{kind} encoding="UTF-8" {settings} rowType="{ROW_TYPES.get(row_type, DWC + row_type)}">'
        f'<files><location>{location}</location></files><{own} index="0"/>{fields}</{kind}>'
    )


@pytest.fixture
def darwin() -> Callable[..., Path]:
    """Write a Darwin Core archive as GBIF does: `darwin(folder, occurrences, media)`; keys are terms, the id first."""

    def make(folder: Path, occurrences, media=None, core: str = "Occurrence", extension: str = "Multimedia") -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        settings = 'fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1"'
        parts = []
        for kind, name, row_type, rows in (
            ("core", "occurrence.txt", core, occurrences),
            ("extension", "multimedia.txt", extension, media),
        ):
            if rows is None:
                continue
            columns = list(dict.fromkeys(key for row in rows for key in row)) or ["gbifID"]
            lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
            (folder / name).write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
            parts.append(_described(kind, name, row_type, columns, settings))
        (folder / "meta.xml").write_text(
            f'<?xml version="1.0"?><archive xmlns="http://rs.tdwg.org/dwc/text/">{"".join(parts)}</archive>'
        )
        return folder

    return make


@pytest.fixture
def zipped() -> Callable[..., Path]:
    """Pack a folder: `zipped(folder)` gives `folder.zip`."""

    def make(folder: Path, above: str = "") -> Path:
        target = folder.with_suffix(".zip")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, above + path.relative_to(folder).as_posix())
        return target

    return make


@pytest.fixture
def camtrap() -> Callable[..., Path]:
    """Write a Camtrap DP: `camtrap(folder, media, observations, **descriptor)`."""

    def make(folder: Path, media, observations, **about) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        deployments = [{"deploymentID": "d1", "locationName": "ridge", "latitude": "1.5", "longitude": "2"}]
        for name, rows in (("deployments", deployments), ("media", media), ("observations", observations)):
            columns = list(dict.fromkeys(key for row in rows for key in row))
            with (folder / f"{name}.csv").open("w", newline="") as stream:
                writer = csv.DictWriter(stream, columns, restval="")
                writer.writeheader()
                writer.writerows(rows)
        resources = [{"name": n, "path": f"{n}.csv"} for n in ("deployments", "media", "observations")]
        (folder / "datapackage.json").write_text(json.dumps({"resources": resources, **about}))
        return folder

    return make


@pytest.fixture
def coco() -> Callable[..., Path]:
    """Write a COCO Camera Traps file: `coco(file, {path: [category, …]}, **more)`."""

    def make(file: Path, shown: dict[str, list[str]], **more) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        names = list(dict.fromkeys(name for own in shown.values() for name in own))
        found = {
            "images": [{"id": f"i{n}", "file_name": path} for n, path in enumerate(shown)],
            "annotations": [
                {"id": f"a{n}-{m}", "image_id": f"i{n}", "category_id": names.index(name)}
                for n, own in enumerate(shown.values())
                for m, name in enumerate(own)
            ],
            "categories": [{"id": n, "name": name} for n, name in enumerate(names)],
            **more,
        }
        file.write_text(json.dumps(found))
        return file

    return make
