"""Damaged and hostile files against every reader: images, tables, archives, JSON and XML.

Enters: how many inputs, and a seed. Each input is a valid file of some kind with a few faults: cut off, bits turned,
spliced with another, filled with NUL bytes, byte order marks, huge numbers, deep nests, entities, paths that leave.
Leaves: one JSON object on standard output: for each reader how many inputs were read, how many refused with one clear
error, how many crashed or hung; the seconds, the slowest input and the peak of memory. The bar: none crashes or hangs.
An input that does is kept in `--keep`, and is made anew by its reader, seed and number.

    python benchmarks/fuzz.py --inputs 100000
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import pandas as pd
from PIL import Image

from raravis.data import decode
from raravis.data.sources import Request, open_source
from raravis.errors import RaravisError
from raravis.serve import detections

SECONDS: Final = 5
"""Of the processor that one input may take; one that only waits is ended after forty times as long."""
MEMORY_MIB: Final = 2048
TOKENS: Final = (
    *(
        b"\0",
        b"\0" * 300,
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xed\xa0\x80",
        b"\r",
        b"\n",
        b'"',
        b"'",
        b"\t",
        b",",
    ),
    *(
        b"9" * 400,
        b"-1",
        b"1e999",
        b"NaN",
        b"null",
        b"[]",
        b"{}",
        b'"\\ud800"',
        b"../",
        b"/etc/passwd",
        b"\\",
        b"|",
        b"&",
    ),
    *(
        b"[" * 3000,
        b'{"a":' * 3000,
        b"<a>" * 300,
        b'<!DOCTYPE a [<!ENTITY b "c">]>',
        b"&b;",
        b"A" * 70_000,
        b"%00",
        b"$",
    ),
    *("é狐\u202e".encode(), b"http://", b"https://a.org/x.jpg", b"file:///etc/passwd", b"\x1f\x8b", b"PK\x03\x04"),
)


class HangError(BaseException):
    """An input took longer than `SECONDS`."""


@dataclass(frozen=True)
class Reader:
    """Something that reads what strangers wrote.

    Attributes:
        files: what a valid input consists of: name → its forms, of which one is taken.
        faulty: those of the files that get the faults.
        read: takes the folder that the files lie in; raises `RaravisError` for what it refuses.
        share: of all inputs, relative to the others.
    """

    files: Mapping[str, Sequence[bytes]]
    faulty: Sequence[str]
    read: Callable[[Path], None]
    share: int = 1


def mutated(data: bytes, other: bytes, random: Random) -> bytes:
    """A few faults in `data`; `other` is another file that may be spliced in."""
    made = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        place, end = sorted(random.randrange(len(made) + 1) for _ in range(2))
        match random.randrange(11):
            case 0:
                del made[place:]
            case 1 | 2:
                for _ in range(random.choice((1, 1, 4, 30))):
                    if made:
                        made[random.randrange(len(made))] ^= 1 << random.randrange(8)
            case 3:
                del made[place : min(end, place + 200)]
            case 4:
                cut = random.randrange(len(other) + 1)
                made[place:] = other[cut:]
            case 5 | 6 | 7:
                made[place:place] = random.choice(TOKENS)
            case 8:
                piece = random.choice(TOKENS)
                made[place : place + len(piece)] = piece
            case 9:
                made[place:place] = made[place : min(end, place + 2000)] * random.choice((1, 2, 50))
            case _:
                made[:] = (
                    bytes(made)
                    .decode("utf-8", "replace")
                    .encode(random.choice(("utf-16", "utf-32", "latin-1")), "replace")
                )
        del made[1 << 20 :]
    return bytes(made)


def _listed(name: str) -> Callable[[Path], None]:
    """List DATA as a verb does, and hold the listing against its contract."""

    def read(folder: Path) -> None:
        table = open_source(Request(str(folder / name), root=folder if name else None), quiet=True).table
        assert table["file_path"].is_unique
        for column in table:
            "".join(table[column]).encode("utf-8")  # all strings, and such as any file can hold
        for path in table.loc[table["problem"] == "", "file_path"]:
            assert (folder / path).resolve().is_relative_to(folder.resolve()) or "archives" in str(folder), path

    return read


def _packed(folder: Path) -> None:
    """List an archive; what it unpacks stays below the cache."""
    table = open_source(Request(str(folder / "a.zip")), quiet=True).table
    assert table["file_path"].is_unique
    assert sorted(path.name for path in folder.iterdir()) == ["a.zip"]


def _decoded(folder: Path) -> None:
    image = folder / "image"
    found = decode.probe(image)
    try:
        pixels = decode.pixels(decode.read_bytes(image), 48, "pad")
    except decode.UnreadableImageError:
        assert found.error, "one look reads it, another does not"
        raise
    assert pixels.shape == (48, 48, 3)
    assert not found.error, found.error
    assert pixels.dtype == np.uint8


def _boxes(folder: Path) -> None:
    """Read what a detector found, and look every entry up."""
    found = detections.read(folder / "d.json")
    for number in range(len(found.entries)):
        boxes, *words = found.boxes(number)
        assert all(0 <= side <= 1 for box in boxes for side in (box.left, box.top, box.width, box.height))
        "".join(words).encode("utf-8")
    found.find(str(folder / "a" / "1.jpg"))


@cache
def readers() -> dict[str, Reader]:
    """Every reader by name."""
    pictures = _pictures()
    table = pd.DataFrame(
        {"file_path": ["a.jpg", "b/c.jpg"], "family": ["felidae", "NA"], "license": ["cc0", ""], "n": [1, 2]}
    )
    parquet = io.BytesIO()
    table.to_parquet(parquet)
    meta, occurrences, media = _darwin()
    package, trap_media, seen = _camtrap()
    archives = [
        _zipped({"meta.xml": meta, "occurrence.txt": occurrences, "multimedia.txt": media, "x/a.jpg": pictures[0]})
    ]
    archives.append(_zipped({"datapackage.json": package, "media.csv": trap_media, "observations.csv": seen}))
    archives.append(_zipped({"a.csv": _export()}, zipfile.ZIP_STORED))
    open_data = _open_data()
    darwin = {"meta.xml": [meta], "occurrence.txt": [occurrences], "multimedia.txt": [media]}
    trap = {"datapackage.json": [package], "media.csv": [trap_media], "observations.csv": [seen]}
    return {
        "image": Reader({"image": pictures}, ["image"], _decoded, share=30),
        "csv": Reader({"t.csv": [table.to_csv(index=False).encode()]}, ["t.csv"], _listed("t.csv"), 4),
        "jsonl": Reader(
            {"t.jsonl": [table.to_json(orient="records", lines=True).encode()]}, ["t.jsonl"], _listed("t.jsonl"), 4
        ),
        "parquet": Reader({"t.parquet": [parquet.getvalue()]}, ["t.parquet"], _listed("t.parquet"), 4),
        "metadata.csv": Reader(
            {"metadata.csv": [table.to_csv(index=False).encode()]}, ["metadata.csv"], _listed(""), 2
        ),
        "meta.xml": Reader(darwin, ["meta.xml"], _listed(""), 6),
        "Darwin Core tables": Reader(darwin, ["occurrence.txt", "multimedia.txt"], _listed(""), 4),
        "zip": Reader({"a.zip": archives}, ["a.zip"], _packed, 8),
        "GBIF table": Reader({"g.csv": [occurrences], "11.jpg": [pictures[0]]}, ["g.csv"], _listed("g.csv"), 3),
        "iNaturalist export": Reader({"o.csv": [_export()]}, ["o.csv"], _listed("o.csv"), 4),
        "iNaturalist open data": Reader(open_data, list(open_data), _listed(""), 3),
        "datapackage.json": Reader(trap, ["datapackage.json"], _listed(""), 4),
        "Camtrap DP tables": Reader(trap, ["media.csv", "observations.csv"], _listed(""), 4),
        "MegaDetector results": Reader({"d.json": [_detected()]}, ["d.json"], _boxes, 4),
        "COCO Camera Traps": Reader({"c.json": [_coco()]}, ["c.json"], _listed("c.json"), 6),
    }


def made(reader: Reader, random: Random, folder: Path) -> None:
    """Write one faulty input into an empty folder."""
    chosen = {name: random.choice(list(forms)) for name, forms in reader.files.items()}
    other = random.choice([form for forms in reader.files.values() for form in forms])
    for name in random.sample(list(reader.faulty), random.randint(1, len(reader.faulty))):
        chosen[name] = mutated(chosen[name], other, random)
    if "a.zip" in chosen and random.random() < 0.6:  # faults within a whole archive
        tables = dict(zip(("meta.xml", "occurrence.txt", "multimedia.txt"), _darwin(), strict=True))
        for name in random.sample(list(tables), random.randint(0, 2)):
            tables[name] = mutated(tables[name], other, random)
        odd = (
            "../up.jpg",
            "/root.jpg",
            "x/a.jpg",
            "a" * 300 + ".jpg",
            "b\nb.jpg",
            "c:d.jpg",
            "é.jpg",
            "x\\y.jpg",
            ".jpg",
        )
        chosen["a.zip"] = _zipped({**tables, random.choice(odd): _pictures()[0]})
    for name, data in chosen.items():
        (folder / name).write_bytes(data)


def tried(reader: Reader, folder: Path) -> str:
    """`read` or `refused`.

    Raises:
        AssertionError: a reader does not keep what it promises; any other error is a crash too.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", module=r"PIL\.")
            reader.read(folder)
    except RaravisError as error:
        told = str(error)
    else:
        return "read"
    assert len(told.splitlines()) <= 2 or "It may be:" in told, told
    return "refused"


@cache
def _pictures() -> list[bytes]:
    """A small picture in every format and many modes."""
    noise = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
    picture = Image.fromarray(noise).resize((40, 32), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = 6
    found = []
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "AVIF"):
        for mode in ("RGB", "L", "P", "RGBA", "CMYK", "I;16", "F", "1"):
            stream = io.BytesIO()
            try:
                picture.convert("L" if mode in ("I;16", "F") else mode).convert(mode).save(stream, kind, exif=exif)
            except (OSError, ValueError, KeyError):
                continue
            found.append(stream.getvalue())
    stream = io.BytesIO()
    picture.save(stream, "JPEG", progressive=True)
    return [*found, stream.getvalue()]


@cache
def _darwin() -> tuple[bytes, bytes, bytes]:
    terms = ("gbifID", "kingdom", "phylum", "class", "order", "family", "license", "rightsHolder")
    own = "".join(f'<field index="{i}" term="http://rs.tdwg.org/dwc/terms/{t}"/>' for i, t in enumerate(terms) if i)
    fields = "".join(
        f'<field index="{i}" term="x/{t}"/>' for i, t in ((1, "format"), (2, "identifier"), (3, "license"))
    )
    form = 'encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1"'
    meta = (
        f'<?xml version="1.0" encoding="UTF-8"?><archive xmlns="http://rs.tdwg.org/dwc/text/"><core {form} '
        f'rowType="http://rs.tdwg.org/dwc/terms/Occurrence"><files><location>occurrence.txt</location></files>'
        f'<id index="0"/>{own}</core><extension {form} rowType="http://rs.gbif.org/terms/1.0/Multimedia"><files>'
        f'<location>multimedia.txt</location></files><coreid index="0"/>{fields}</extension></archive>'
    )
    rows = [terms, ("11", "Animalia", "Chordata", "Aves", "Strigiformes", "Strigidae", "CC_BY_4_0", "Ana")]
    rows += [(str(n), "Animalia", "Chordata", "Mammalia", "Carnivora", "Felidae", "", "") for n in (12, 13)]
    media = [("gbifID", "format", "identifier", "license"), ("11", "image/jpeg", "https://a.org/1.jpg", "cc0")]
    media += [("12", "image/png", "x/a.jpg", ""), ("13", "", "https://a.org/2", "")]
    lines = ("".join("\t".join(row) + "\n" for row in table).encode() for table in (rows, media))
    return meta.encode(), next(lines), next(lines)


def _camtrap() -> tuple[bytes, bytes, bytes]:
    package = {
        "resources": [{"name": name, "path": f"{name}.csv", "encoding": "utf-8"} for name in ("media", "observations")],
        "taxonomic": [{"scientificName": "Vulpes vulpes", "taxonRank": "species", "family": "Canidae"}],
        "licenses": [{"path": "http://creativecommons.org/licenses/by/4.0/", "scope": "media"}],
        "contributors": [{"title": "Institute", "role": "rightsHolder"}],
    }
    media = (
        "mediaID,deploymentID,timestamp,filePath,filePublic,fileMediatype\n"
        "m1,d1,2024-05-01T10:00:00Z,a.jpg,true,image/jpeg\n"
        "m2,d1,2024-05-01T10:00:05+02:00,https://a.org/b.jpg,false,image/jpeg\nm3,d1,,c.mp4,true,video/mp4\n"
    )
    seen = (
        "observationID,deploymentID,mediaID,eventID,eventStart,eventEnd,observationLevel,observationType,scientificName\n"
        "o1,d1,m1,,,,media,animal,Vulpes vulpes\n"
        "o2,d1,,e1,2024-05-01T08:00:00Z,2024-05-01T11:00:00Z,event,animal,Felidae\no3,d1,m2,,,,media,human,\n"
    )
    return json.dumps(package, indent=1).encode(), media.encode(), seen.encode()


def _export() -> bytes:
    return (
        b"id,observed_on,license,url,image_url,scientific_name,taxon_family_name,user_name\n"
        b"7,2024-01-02,CC-BY-NC,https://a.org/7,https://a.org/photos/77/medium.jpg,Lynx lynx,Felidae,Ana\n"
        b'8,2024-01-03,,,https://a.org/photos/88/medium.jpeg,"Bubo, bubo",Strigidae,Bo\n9,,,,,x,y,z\n'
    )


def _open_data() -> dict[str, list[bytes]]:
    photos = "photo_uuid\tphoto_id\tobservation_uuid\tobserver_id\textension\tlicense\nu\t70\to1\t3\tjpg\tCC-BY\n"
    columns = "observation_uuid\tobserver_id\tlatitude\tlongitude\ttaxon_id\tquality_grade\tobserved_on\n"
    observed = columns + "o1\t3\t1\t2\t9\tr\t2020\n"
    taxa = "taxon_id\tancestry\trank\tname\n5\t1/2\tfamily\tFelidae\n9\t1/2/5\tspecies\tLynx lynx\n"
    return {
        "photos.csv.gz": [gzip.compress(photos.encode())],
        "observations.csv": [observed.encode()],
        "taxa.csv": [taxa.encode()],
    }


def _coco() -> bytes:
    whole = {
        "info": {"contributor": "Institute", "url": "https://a.org"},
        "licenses": [{"id": 1, "url": "http://creativecommons.org/licenses/by/4.0/"}],
        "images": [{"id": n, "file_name": f"s/{n}.jpg", "license": 1, "location": 3} for n in range(4)],
        "annotations": [{"id": n, "image_id": n, "category_id": n % 3, "bbox": [0.1, 1, 2, 3]} for n in range(4)],
        "categories": [
            {"id": 0, "name": "Felidae"},
            {"id": 1, "name": "empty"},
            {"id": 2, "name": "fox", "family": "Canidae"},
        ],
    }
    return json.dumps(whole).encode()


def _detected() -> bytes:
    found = [
        {"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.3, 0.4]},
        {"category": "2", "conf": 0.5, "bbox": [0, 0, 1, 1]},
    ]
    whole = {
        "info": {"format_version": "1.6", "detector": "md_v5a"},
        "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
        "images": [{"file": "a/1.jpg", "detections": found}, {"file": "a/2.jpg", "failure": "Failure image access"}],
    }
    return json.dumps(whole).encode()


def _zipped(entries: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return stream.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", choices=list(readers()), help="this one alone")
    parser.add_argument("--first", type=int, default=0, help="number of the first input of each reader")
    parser.add_argument("--keep", type=Path, help="folder for inputs that crash or hang")
    options = parser.parse_args()
    wanted = {options.reader: readers()[options.reader]} if options.reader else readers()
    whole = sum(reader.share for reader in wanted.values())
    resource.setrlimit(resource.RLIMIT_DATA, (4 * MEMORY_MIB << 20,) * 2)
    for ring in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(ring, _hung)
    lost = list[str]()
    sys.unraisablehook = lambda told: lost.append(f"{told.object!r}: {told.exc_value!r}")
    begun, rows = time.monotonic(), list[dict[str, Any]]()
    with tempfile.TemporaryDirectory() as home:
        os.environ["RARAVIS_CACHE"] = str(Path(home, "cache"))
        for name, reader in wanted.items():
            count = -(-options.inputs * reader.share // whole)
            rows.append({"reader": name, **_many(name, reader, options, count, Path(home), lost)})
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    bad = sum(row["crashed"] + row["hung"] for row in rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    told = {"inputs": sum(row["inputs"] for row in rows), "bad": bad, "seconds": round(time.monotonic() - begun)}
    print(json.dumps({**told, "peak_mib": peak, "bar_mib": MEMORY_MIB, "readers": rows}))
    sys.exit(1 if bad or peak > MEMORY_MIB else 0)


def _many(
    name: str, reader: Reader, options: argparse.Namespace, count: int, home: Path, lost: list[str]
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "inputs": count,
        "read": 0,
        "refused": 0,
        "crashed": 0,
        "hung": 0,
        "seconds": 0.0,
        "slowest": 0.0,
    }
    begun = time.monotonic()
    for number in range(options.first, options.first + count):
        folder = home / "input"
        folder.mkdir()
        made(reader, Random(f"{options.seed} {name} {number}"), folder)
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.setitimer(signal.ITIMER_REAL, 40 * SECONDS)
        try:
            how = tried(reader, folder)
        except HangError:
            how = "hung"
        except Exception:
            how = "crashed"
            traceback.print_exc()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
        if lost:
            print(lost.pop(), file=sys.stderr)
            how = "crashed"
        if how in ("crashed", "hung"):
            print(f"{how}: {name}, seed {options.seed}, number {number}", file=sys.stderr)
            if options.keep:
                shutil.copytree(folder, options.keep / f"{name}-{options.seed}-{number}".replace(" ", "-"))
        found[how] += 1
        found["slowest"] = round(max(found["slowest"], time.process_time() - start), 3)
        shutil.rmtree(folder)
        if number % 500 == 0:
            shutil.rmtree(home / "cache", ignore_errors=True)
    found["seconds"] = round(time.monotonic() - begun, 1)
    return found


def _hung(*_: object) -> None:
    raise HangError


if __name__ == "__main__":
    main()
