"""A folder of labels: what is listed, under which label, and that links and odd names do no harm."""

import os

import pytest

from raravis import taxonomy
from raravis.errors import DataError, UsageError


def families(listing) -> dict[str, str]:
    return dict(zip(listing.table["file_path"], listing.table["family"], strict=True))


def test_sub_folders_are_labels_however_deep_the_image_lies(tmp_path, touch, listed):
    touch(tmp_path / "fox/a.jpg")
    touch(tmp_path / "fox/2024/may/b.PNG")
    touch(tmp_path / "owl/c.jpeg")
    found = listed(tmp_path)
    assert families(found) == {"fox/2024/may/b.PNG": "fox", "fox/a.jpg": "fox", "owl/c.jpeg": "owl"}
    assert (found.kind, found.root, found.notes) == ("folder", tmp_path, ())
    rights = {"license", "rights_holder", "source_url", "references"}
    assert set(taxonomy.RANKS) | {"file_path", "problem"} | rights == set(found.table.columns)
    assert (found.table["problem"] == "").all()


def test_phylum_family_is_read_as_both_only_where_the_phylum_exists(tmp_path, touch, listed):
    touch(tmp_path / "chordata_felidae/a.jpg")
    touch(tmp_path / "red_fox/b.jpg")
    table = listed(tmp_path).table.set_index("file_path")
    assert tuple(table.loc["chordata_felidae/a.jpg", ["phylum", "family"]]) == ("chordata", "felidae")
    assert tuple(table.loc["red_fox/b.jpg", ["phylum", "family"]]) == ("", "red_fox")


def test_other_files_and_hidden_names_are_passed_over(tmp_path, touch, listed):
    for name in ("fox/a.jpg", "fox/notes.txt", "fox/.b.jpg", ".git/c.jpg", "fox/d.heic", "fox/e.HEIC"):
        touch(tmp_path / name)
    found = listed(tmp_path)
    assert list(families(found)) == ["fox/a.jpg"]
    assert found.notes == ("Files of formats that are not read were left out: 2 .heic.",)


@pytest.mark.parametrize(
    "name", ["a b.jpg", "a,b.jpg", "a'b\"c.jpg", "a\nb.jpg", "Füchsin 狐 🦊.jpg", "-x.jpg", " .jpg"]
)
def test_odd_names_are_kept_as_they_are(name, tmp_path, touch, listed):
    touch(tmp_path / "o d,d" / name)
    assert families(listed(tmp_path)) == {f"o d,d/{name}": "o d,d"}


def test_a_name_that_is_not_utf8_is_a_row_with_a_problem(tmp_path, touch, listed):
    touch(tmp_path / "fox/a.jpg")
    raw = os.fsencode(tmp_path / "fox") + b"/\xff.jpg"
    with open(raw, "wb"):  # noqa: PTH123 (bytes, which `Path` does not take)
        pass
    table = listed(tmp_path).table.set_index("file_path")
    assert "not UTF-8" in table.loc["fox/\\xff.jpg", "problem"]
    assert table.loc["fox/a.jpg", "problem"] == ""


def test_labels_that_differ_by_case_or_blanks_are_one(tmp_path, touch, listed):
    for name in (
        "Felidae/1.jpg",
        "Felidae/2.jpg",
        "felidae/3.jpg",
        "FELIDAE /4.jpg",
        "Fel  idae/5.jpg",
        "Canidae/6.jpg",
    ):
        touch(tmp_path / name)
    found = listed(tmp_path)
    assert found.table["family"].value_counts().to_dict() == {"Felidae": 4, "Fel idae": 1, "Canidae": 1}
    assert found.notes == ("These spellings are one label, 'Felidae': 'FELIDAE ', 'Felidae', 'felidae'.",)


def test_composed_and_decomposed_letters_are_one_label(tmp_path, touch, listed):
    touch(tmp_path / "Bläulinge/1.jpg")
    touch(tmp_path / "Bla\u0308ulinge/2.jpg")
    assert listed(tmp_path).table["family"].nunique() == 1


def test_loops_of_links_end_and_nothing_is_listed_twice(tmp_path, touch, listed):
    root = tmp_path / "data"
    touch(root / "fox/a.jpg")
    touch(root / "owl/b.jpg")
    (root / "fox/again").symlink_to(root)
    (root / "fox/up").symlink_to(tmp_path)
    (root / "fox/self").symlink_to("self")
    (root / "aaa").symlink_to(root / "owl")
    assert families(listed(root)) == {"fox/a.jpg": "fox", "owl/b.jpg": "owl"}


def test_a_link_to_a_folder_elsewhere_is_followed_once(tmp_path, touch, listed):
    touch(tmp_path / "store/deep/a.jpg")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/fox").symlink_to(tmp_path / "store")
    touch(tmp_path / "data/owl/b.jpg")
    assert families(listed(tmp_path / "data")) == {"fox/deep/a.jpg": "fox", "owl/b.jpg": "owl"}


def test_images_in_no_sub_folder_have_no_label(tmp_path, touch, listed):
    touch(tmp_path / "a.jpg")
    touch(tmp_path / "fox/b.jpg")
    assert families(listed(tmp_path)) == {"a.jpg": "", "fox/b.jpg": "fox"}


@pytest.mark.parametrize("files", [[], ["fox/notes.txt"], [".hidden/a.jpg"]])
def test_an_empty_folder_says_what_was_expected(files, tmp_path, touch, listed):
    for name in files:
        touch(tmp_path / name)
    with pytest.raises(DataError, match=r"holds no images\.\nOne sub-folder per label was expected"):
        listed(tmp_path)


def test_options_of_tables_are_refused(tmp_path, touch, listed):
    touch(tmp_path / "fox/a.jpg")
    with pytest.raises(UsageError, match="--label-column"):
        listed(tmp_path, label_column="family")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("nowhere", "is not there"), ("x" * 5000, "cannot be opened"), ("a.txt", "is none of the forms")],
)
def test_what_cannot_be_data_is_wrong_usage_that_lists_the_forms(name, wanted, tmp_path, touch, listed):
    touch(tmp_path / "a.txt")
    with pytest.raises(UsageError, match=wanted) as caught:
        listed(tmp_path / name)
    forms = str(caught.value).splitlines()[1:]
    assert len(forms) == 11
    for word in ("sub-folder per label", "metadata.csv", ".parquet", "rare-species", "bestiary"):
        assert any(word in form for form in forms), word


@pytest.mark.parametrize("name", ["", "  "])
def test_no_name_is_not_the_working_folder(name, tmp_path, touch, listed, monkeypatch):
    touch(tmp_path / "fox/a.jpg")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="is not there"):
        listed(name)
    assert families(listed(".")) == {"fox/a.jpg": "fox"}
