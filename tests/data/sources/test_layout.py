"""A folder with metadata.csv in the Rare Species columns."""

import shutil

import pytest

from raravis.errors import DataError, UsageError

COURSE = "rare_species_id,eol_content_id,eol_page_id,kingdom,phylum,family,file_path"


def write(folder, header: str, *rows: str) -> None:
    (folder / "metadata.csv").write_text("\n".join([header, *rows]) + "\n")


def test_the_course_columns_are_read_and_ids_stay_text(tmp_path, touch, listed):
    touch(tmp_path / "chordata_felidae/007_042_eol-full-size-copy.jpg")
    write(tmp_path, COURSE, "u-1,007,042,animalia,chordata,felidae,chordata_felidae/007_042_eol-full-size-copy.jpg")
    found = listed(tmp_path)
    row = found.table.iloc[0]
    assert (found.kind, found.root, found.notes) == ("layout", tmp_path, ())
    assert tuple(row[["eol_content_id", "eol_page_id", "rare_species_id"]]) == ("007", "042", "u-1")
    assert tuple(row[["kingdom", "phylum", "class", "family", "species"]]) == (
        "animalia",
        "chordata",
        "",
        "felidae",
        "",
    )
    assert row["problem"] == ""


def test_more_ranks_and_columns_are_kept(tmp_path, touch, listed):
    touch(tmp_path / "a.jpg")
    header = "Kingdom,phylum,class,order,family,genus,species,site,file_path"
    write(tmp_path, header, "Animalia,Chordata,Aves,Strigiformes,Strigidae,Bubo,Bubo bubo,north,a.jpg")
    row = listed(tmp_path).table.iloc[0]
    assert tuple(row[["kingdom", "class", "order", "genus", "species", "site"]]) == (
        *("Animalia", "Aves", "Strigiformes", "Bubo", "Bubo bubo", "north"),
    )


def test_missing_files_are_rows_and_unnamed_files_are_counted(tmp_path, touch, listed):
    for name in ("f/a.jpg", "f/x.jpg", "f/y.jpg"):
        touch(tmp_path / name)
    write(tmp_path, COURSE, "1,1,1,k,p,f,f/a.jpg", "2,2,2,k,p,f,f/gone.jpg")
    found = listed(tmp_path)
    assert dict(zip(found.table["file_path"], found.table["problem"], strict=True)) == {
        "f/a.jpg": "",
        "f/gone.jpg": "no such file",
    }
    assert found.notes == ("2 images stand in no row of metadata.csv (the first: 'f/x.jpg'); they are left out.",)


def test_missing_columns_are_named(tmp_path, listed):
    write(tmp_path, "kingdom,photo", "k,a.jpg")
    with pytest.raises(UsageError, match=r"(?s)--path-column.*'kingdom', 'photo'"):
        listed(tmp_path)


def test_a_root_that_is_not_there_is_wrong_usage(tmp_path, listed):
    write(tmp_path, COURSE, "1,1,1,k,p,f,f/a.jpg")
    with pytest.raises(UsageError, match="nowhere is no folder"):
        listed(tmp_path, root=tmp_path / "nowhere")


def test_an_empty_table_is_an_error(tmp_path, listed):
    write(tmp_path, COURSE)
    with pytest.raises(DataError, match="holds no rows"):
        listed(tmp_path)


def test_the_published_metadata_is_read_whole(rare_species_metadata, tmp_path, listed):
    shutil.copy(rare_species_metadata, tmp_path / "metadata.csv")
    table = listed(tmp_path).table
    assert len(table) == 11_983
    assert table["family"].nunique() == 202
    assert set(table["problem"]) == {"no such file"}


def test_the_photographs_at_hand_are_listed_whole(wildlife, listed):
    found = listed(wildlife)
    assert (len(found.table), found.table["family"].nunique(), set(found.table["problem"])) == (7_466, 119, {""})
