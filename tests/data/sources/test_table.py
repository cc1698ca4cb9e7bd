"""Tables: every format, every fault of a file or a row."""

import json
import os

import pandas as pd
import pytest

from raravis.errors import DataError, UsageError

FORMATS = ["csv", "parquet", "jsonl"]


@pytest.fixture
def table(tmp_path):
    """Write rows as a table of some format beside the images."""

    def write(rows: list[dict[str, object]], kind: str = "csv"):
        path = tmp_path / f"t.{kind}"
        frame = pd.DataFrame(rows)
        if kind == "csv":
            frame.to_csv(path, index=False)
        elif kind == "parquet":
            frame.to_parquet(path, index=False)
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def problems(listing) -> dict[str, str]:
    return dict(zip(listing.table["file_path"], listing.table["problem"], strict=True))


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_same_rows(kind, table, touch, listed, tmp_path):
    names = ["a b.jpg", "a,b.jpg", "a'b\"c.jpg", "a\nb.jpg", "Füchsin 狐.jpg"]
    for name in names:
        touch(tmp_path / name)
    rows = [{"file_path": name, "family": "NA", "site": "007", "n": i} for i, name in enumerate(names)]
    found = listed(table(rows, kind))
    assert (found.kind, found.root) == ("table", tmp_path)
    assert found.table["file_path"].tolist() == names
    assert set(found.table["family"]) == {"NA"}
    assert set(found.table["site"]) == {"007"}
    assert found.table["n"].tolist() == list("01234")
    assert set(found.table["problem"]) == {""}


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_missing_values_are_empty_and_whole_numbers_stay_whole(kind, table, touch, listed, tmp_path):
    for name in ("a.jpg", "b.jpg"):
        touch(tmp_path / name)
    rows = [{"path": "a.jpg", "label": None, "id": 12}, {"path": "b.jpg", "label": "x", "id": None}]
    frame = pd.DataFrame(rows).astype({"id": "Int64"})
    path = table(rows, kind)
    if kind == "parquet":
        frame.to_parquet(path)
    got = listed(path).table
    assert got["family"].tolist() == ["", "x"]
    assert got["id"].tolist() == ["12", ""]


@pytest.mark.parametrize(
    ("columns", "label"),
    [("filename,label", "label"), ("image,class", "class"), ("Path,Family", "Family"), ("file,species", "species")],
)
def test_common_names_of_columns_are_found(columns, label, tmp_path, touch, listed):
    touch(tmp_path / "a.jpg")
    (tmp_path / "t.csv").write_text(f"{columns}\na.jpg,owl\n")
    row = listed(tmp_path / "t.csv").table.iloc[0]
    assert (row["family"], row["file_path"], row["problem"]) == ("owl", "a.jpg", "")
    assert (row["class"], row["species"]) == ("", "")  # alone, these words only mean label


def test_two_columns_that_spell_one_rank_do_not_clash(tmp_path, touch, listed):
    touch(tmp_path / "a.jpg")
    (tmp_path / "t.csv").write_text("path,Family,FAMILY\na.jpg,owl,fox\n")
    row = listed(tmp_path / "t.csv").table.iloc[0]
    assert tuple(row[["family", "FAMILY"]]) == ("owl", "fox")
    (tmp_path / "t.csv").write_text("path,FAMILY,family\na.jpg,owl,fox\n")
    row = listed(tmp_path / "t.csv").table.iloc[0]
    assert tuple(row[["family", "FAMILY"]]) == ("fox", "owl")
    assert listed(tmp_path / "t.csv", label_column="FAMILY").table.iloc[0]["family"] == "owl"


def test_a_rank_can_be_asked_for_as_it_is_written(tmp_path, touch, listed):
    touch(tmp_path / "a.jpg")
    (tmp_path / "t.csv").write_text("Path,Genus,Family\na.jpg,Bubo,Strigidae\n")
    found = listed(tmp_path / "t.csv", path_column="Path", label_column="Genus")
    assert found.table.iloc[0]["family"] == "Bubo"


def test_a_label_column_among_ranks_stays_a_rank(tmp_path, touch, listed):
    touch(tmp_path / "a.jpg")
    (tmp_path / "t.csv").write_text("path,order,family,species\na.jpg,Carnivora,Felidae,Lynx lynx\n")
    found = listed(tmp_path / "t.csv", label_column="species")
    row = found.table.iloc[0]
    assert tuple(row[["family", "species", "order"]]) == ("Lynx lynx", "Lynx lynx", "Carnivora")
    assert "Labels come from the column 'species'" in found.notes[0]


def test_columns_can_be_named_and_the_root_too(tmp_path, touch, listed):
    touch(tmp_path / "elsewhere/a.jpg")
    (tmp_path / "t.csv").write_text("foto,art,family\na.jpg,owl,no\n")
    found = listed(tmp_path / "t.csv", path_column="foto", label_column="art", root=tmp_path / "elsewhere")
    assert found.root == tmp_path / "elsewhere"
    assert found.table.iloc[0]["family"] == "owl"
    assert problems(found) == {"a.jpg": ""}


@pytest.mark.parametrize(
    ("options", "wanted"),
    [({}, "--path-column"), ({"path_column": "q"}, "no column 'q'"), ({"path_column": "x"}, "--label-column")],
)
def test_missing_columns_name_those_there(options, wanted, tmp_path, listed):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    with pytest.raises(UsageError, match=f"(?s){wanted}.*Its columns: 'x', 'y'"):
        listed(tmp_path / "t.csv", **options)


def test_paths_that_leave_the_root_are_rows_that_are_not_read(tmp_path, touch, listed):
    data = tmp_path / "data"
    for name in ("data/in/a.jpg", "data/b.jpg", "out/secret.jpg", "data2/c.jpg"):
        touch(tmp_path / name)
    (data / "link.jpg").symlink_to(tmp_path / "out/secret.jpg")
    (data / "door").symlink_to(tmp_path / "out")
    (data / "fine.jpg").symlink_to(data / "b.jpg")
    (data / "loop.jpg").symlink_to("loop.jpg")
    os.mkfifo(data / "pipe.jpg")
    inside = ["in/a.jpg", "in/../b.jpg", str(data / "fine.jpg")]
    outside = ["../out/secret.jpg", str(tmp_path / "out/secret.jpg"), "../data2/c.jpg", "/etc/passwd", "."]
    linked = ["link.jpg", "door/secret.jpg"]
    odd = ["loop.jpg", "pipe.jpg", "gone.jpg", "b.jpg/x.jpg", "x" * 300 + ".jpg"]
    paths = [*inside, *outside, *linked, *odd]
    (data / "t.jsonl").write_text("".join(json.dumps({"path": p, "label": "x"}) + "\n" for p in [*paths, "a\0b.jpg"]))
    got = problems(listed(data / "t.jsonl"))
    assert {name: got[name] for name in ("in/a.jpg", "b.jpg", "fine.jpg")} == dict.fromkeys(
        ("in/a.jpg", "b.jpg", "fine.jpg"), ""
    )
    assert {got[name] for name in [*outside, "a\0b.jpg"]} == {"the path leaves the folder of the data"}
    assert {got[name] for name in linked} == {"the path leaves the folder of the data by a link"}
    assert got["pipe.jpg"] == "is no regular file"
    assert (got["gone.jpg"], got["b.jpg/x.jpg"]) == ("no such file", "no such file")
    assert got["loop.jpg"].startswith("cannot be opened")
    assert got["x" * 300 + ".jpg"].startswith("cannot be opened")


def test_absolute_paths_below_a_linked_root_are_inside(tmp_path, touch, listed):
    real = touch(tmp_path / "real/a.jpg")
    (tmp_path / "named").symlink_to(tmp_path / "real")
    (tmp_path / "real/t.csv").write_text(f"path,label\n{real},x\n")
    assert problems(listed(tmp_path / "named/t.csv")) == {"a.jpg": ""}


def test_empty_labels_stay_empty_and_rows_without_a_file_are_told(tmp_path, touch, listed):
    for name in ("a.jpg", "b.jpg"):
        touch(tmp_path / name)
    (tmp_path / "t.csv").write_text("path,label\na.jpg,\nb.jpg,x\n,x\n  ,y\n")
    found = listed(tmp_path / "t.csv")
    assert dict(zip(found.table["file_path"], found.table["family"], strict=True)) == {"a.jpg": "", "b.jpg": "x"}
    assert found.notes == ("2 rows name no file; they are left out.",)


def test_labels_that_differ_by_case_or_blanks_are_one(tmp_path, touch, listed):
    rows = ["owl", "owl", "Owl", " OWL ", "barn  owl", "barn owl", "barn owl"]
    for i in range(len(rows)):
        touch(tmp_path / f"{i}.jpg")
    (tmp_path / "t.csv").write_text("path,label\n" + "".join(f"{i}.jpg,{name}\n" for i, name in enumerate(rows)))
    found = listed(tmp_path / "t.csv")
    assert found.table["family"].tolist() == ["owl"] * 4 + ["barn owl"] * 3
    assert found.notes == (
        "These spellings are one label, 'barn owl': 'barn  owl', 'barn owl'.",
        "These spellings are one label, 'owl': ' OWL ', 'Owl', 'owl'.",
    )


def test_a_path_that_stands_twice_is_one_row(tmp_path, touch, listed):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        touch(tmp_path / name)
    body = "a.jpg,owl,1\n./a.jpg,fox,2\nb.jpg,,3\nb.jpg,fox,4\nc.jpg,owl,5\nc.jpg,Owl,6\n"
    (tmp_path / "t.csv").write_text("path,label,bare\n" + body)
    found = listed(tmp_path / "t.csv")
    assert found.table["file_path"].tolist() == ["a.jpg", "b.jpg", "c.jpg"]
    assert found.table["family"].tolist() == ["owl", "fox", "owl"]
    assert found.table["bare"].tolist() == ["1", "4", "5"]
    assert "3 rows name a file a second time; its first row with a label counts." in found.notes
    assert "1 of these files have different labels (the first: 'a.jpg')." in found.notes


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_marks_and_line_ends_of_other_systems_are_read(end, delimiter, tmp_path, touch, listed):
    touch(tmp_path / "a b.jpg")
    rows = [["path", "label", "note"], ["a b.jpg", "owl", '"two\nlines"'], []]
    text = end.join(delimiter.join(row) for row in rows)
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    found = listed(tmp_path / "t.csv")
    assert problems(found) == {"a b.jpg": ""}
    assert found.table["note"].tolist() == ["two\nlines"]


@pytest.mark.parametrize(
    ("name", "data", "wanted"),
    [
        ("t.csv", b"", "holds no rows"),
        ("t.csv", b"path,label\n", "holds no rows"),
        ("t.csv", b"path,label\na.jpg,x,y\n", "line 2 has 3 fields, the header 2"),
        ("t.csv", b"path,label\na.jpg\n", "line 2 has 1 fields, the header 2"),
        ("t.csv", b'path,label\n"a.jpg,x\n', "cannot be read as csv"),
        ("t.csv", b"path,label\n\xff.jpg,x\n", "is not UTF-8"),
        ("t.csv", b"path,path\na.jpg,x\n", "two columns named 'path'"),
        ("t.csv", b"path,label\n,x\n", "No row of the table names a file"),
        ("t.parquet", b"", "cannot be read as parquet"),
        ("t.parquet", b"PAR1 this is none PAR1", "cannot be read as parquet"),
        ("t.jsonl", b'{"path": "a.jpg"\n', "line 1 is no JSON"),
        ("t.jsonl", b"\n[1, 2]\n", "line 2 is no object"),
        ("t.jsonl", b"", "holds no rows"),
    ],
)
def test_malformed_tables_give_one_clear_error(name, data, wanted, tmp_path, listed):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=wanted) as caught:
        listed(tmp_path / name)
    assert len(str(caught.value).splitlines()) <= 2


def test_a_truncated_parquet_is_a_clear_error(table, tmp_path, listed):
    path = table([{"path": "a.jpg", "label": "x"}], "parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be read as parquet"):
        listed(path)


def test_json_with_half_a_letter_can_still_be_written(tmp_path, listed):
    (tmp_path / "t.jsonl").write_text('{"path": "a\\ud800.jpg", "label": "x"}\n')
    found = listed(tmp_path / "t.jsonl")
    found.table.to_parquet(tmp_path / "out.parquet")
    assert set(found.table["problem"]) == {"no such file"}


def test_a_table_or_root_that_is_not_there_is_wrong_usage(tmp_path, listed):
    with pytest.raises(UsageError, match="is not there"):
        listed(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("path,label\na.jpg,x\n")
    with pytest.raises(UsageError, match="is no folder"):
        listed(tmp_path / "t.csv", root=tmp_path / "nowhere")
