"""PATHs become files: order, folders, globs, loops, names of every kind."""

import os
from pathlib import Path

import pytest

from raravis.errors import UsageError
from raravis.serve.inputs import at_hand, expand


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A small tree, from inside it: names as a user types them."""
    for name in (
        "b/2.JPG",
        "b/10.png",
        "b/notes.txt",
        "b/.hidden.jpg",
        "b/a/x.webp",
        "b/c/y.jpeg",
        "z.jpg",
        "a-b/q.jpg",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_its_images_sorted_without_hidden_ones(here):
    assert expand(["b"]).files == ("b/10.png", "b/2.JPG", "b/a/x.webp", "b/c/y.jpeg")
    assert expand(["b/"]).files == expand(["b"]).files
    assert expand([here / "b"]).files == tuple(str(here / p) for p in expand(["b"]).files)


def test_files_keep_the_order_given_and_count_twice_when_given_twice(here):
    assert expand(["z.jpg", "b/notes.txt", "b/c", "z.jpg"]).files == (
        "z.jpg",
        "b/notes.txt",
        "b/c/y.jpeg",
        "z.jpg",
    )


def test_a_file_that_is_not_there_is_kept_to_become_a_row(here):
    assert expand(["gone.jpg", "z.jpg"]).files == ("gone.jpg", "z.jpg")


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["gone.jpg"], r"^There is no file or folder 'gone\.jpg'\.\nGive files"),
        ([""], "no file or folder ''"),
        (["z.jpg/x"], "no file or folder 'z.jpg/x'"),
        (["gone.jpg", "away.jpg"], r"^None of 2 paths is there: 'gone\.jpg', 'away\.jpg'\.\n"),
        (["1", "2", "3", "4"], r"4 paths is there: '1', '2', '3', …\.\n"),
        (["none*", "gone.jpg"], r"Nothing matches none\*\. There is no file or folder 'gone\.jpg'"),
    ],
)
def test_where_nothing_is_there_it_is_an_error(here, paths, message):
    given, out = expand(paths), here / "rows.csv"
    out.touch()
    with pytest.raises(UsageError, match=message):
        at_hand(given, out)
    out.unlink()
    if all(path.endswith(".jpg") for path in given.files):
        assert at_hand(given, out) is given  # nothing is lost by a row
    else:
        with pytest.raises(UsageError, match=message):
            at_hand(given, out)


def test_what_may_be_there_is_handed_on(here):
    for paths in (["gone.jpg", "z.jpg"], ["gone.jpg", "b"], ["\ud800.jpg"], ["memory://none/x.jpg"]):
        assert at_hand(given := expand(paths), here) is given


@pytest.mark.parametrize("paths", [["gone/"], ["z.jpg", "gone/"], ["gone/", "b"]])
def test_a_folder_that_is_not_there_is_an_error_always(here, paths):
    with pytest.raises(UsageError, match=r"^There is no folder 'gone/'\.\nGive files"):
        expand(paths)


def test_a_link_that_leads_nowhere_is_there(here):
    (here / "broken.jpg").symlink_to("nowhere.jpg")
    assert expand(["broken.jpg", "gone.jpg"]).missing == ("gone.jpg",)


def test_what_lies_in_this_folder_has_no_dot_before_it(here):
    files = ("a-b/q.jpg", "b/10.png", "b/2.JPG", "b/a/x.webp", "b/c/y.jpeg", "z.jpg")
    assert expand(["."]).files == expand(["./"]).files == expand([Path()]).files == files
    assert expand(["./b/a"]).files == ("./b/a/x.webp",)


def test_what_people_take_for_pictures_is_counted_where_a_folder_leaves_it_out(here):
    (here / "clip.mp4").mkdir()
    for name in ("b/1.HEIC", "b/c/2.heic", "b/3.cr2", "b/4.MP4", "b/.5.mp4", "clip.mp4/6.mov"):
        (here / name).write_bytes(b"x")
    given = expand(["b"])
    assert given.files == ("b/10.png", "b/2.JPG", "b/a/x.webp", "b/c/y.jpeg")
    assert given.notes == ("4 files of b are no images that raravis reads and were left out: .heic 2, .cr2 1, .mp4 1.",)
    assert expand(["z.jpg", "b/a"]).notes == ()
    assert expand(["b/c", "z.jpg", "clip.*", "b/a"]).notes == (
        "Nothing matches clip.*.",
        "2 files of b/c and 1 more are no images that raravis reads and were left out: .heic 1, .mov 1.",
    )
    assert expand(["b/c"]).notes == ("1 file of b/c is no image that raravis reads and was left out: .heic 1.",)


def test_a_folder_of_such_alone_is_an_error_that_says_what_to_do(here):
    (here / "phone").mkdir()
    (here / "phone" / "1.HEIC").write_bytes(b"x")
    with pytest.raises(
        UsageError, match=r"phone holds no image\. 1 file of phone .*: \.heic 1\.\nConvert them to JPEG"
    ):
        expand(["phone"])


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("b/*.png", ("b/10.png",)),
        ("b/[0-9]*", ("b/10.png", "b/2.JPG")),
        ("?.jpg", ("z.jpg",)),
        ("b/*", ("b/10.png", "b/2.JPG", "b/a/x.webp", "b/c/y.jpeg", "b/notes.txt")),
        ("**/*.jp*g", ("a-b/q.jpg", "b/c/y.jpeg", "z.jpg")),
        ("b/**", ("b/10.png", "b/2.JPG", "b/a/x.webp", "b/c/y.jpeg", "b/notes.txt")),
        ("b/.*.jpg", ("b/.hidden.jpg",)),
        ("b/a/../*.png", ("b/a/../10.png",)),
    ],
)
def test_a_quoted_glob_is_what_the_shell_makes_of_it(here, pattern, files):
    assert expand([pattern]).files == files


def test_a_name_with_brackets_is_a_file_if_it_is_there(here):
    (here / "fox [1].jpg").write_bytes(b"x")
    assert expand(["fox [1].jpg"]).files == ("fox [1].jpg",)


def test_loops_of_links_end_and_linked_folders_count(here, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "far.jpg").write_bytes(b"x")
    (here / "b" / "up").symlink_to(here)
    (here / "b" / "self").symlink_to("self")
    (here / "b" / "far").symlink_to(elsewhere)
    (here / "b" / "far2").symlink_to(elsewhere)
    (here / "b" / "broken.jpg").symlink_to("nowhere.jpg")
    found = expand(["b"]).files
    assert len(found) == len({os.path.realpath(f) for f in found}), "nothing is met twice"
    assert {"b/far/far.jpg", "b/broken.jpg", "b/2.JPG"} <= set(found)
    recursive = expand(["**/*.jpg"]).files
    assert recursive == ("a-b/q.jpg", "b/broken.jpg", "z.jpg")


def test_what_means_nothing_is_told_and_an_error_only_if_nothing_remains(here):
    (here / "empty").mkdir()
    given = expand(["empty", "*.tiff", "z.jpg"])
    assert given.files == ("z.jpg",)
    assert given.notes == ("The folder empty holds no image.", "Nothing matches *.tiff.")
    with pytest.raises(UsageError, match=r"The folder empty holds no image\..*\nGive files, folders or globs"):
        expand(["empty"])
    with pytest.raises(UsageError, match="No path was given"):
        expand([])


def test_a_folder_that_pretends_to_be_an_image_is_a_row(here):
    (here / "fake.jpg").mkdir()
    (here / "b" / "fake.png").mkdir()
    assert expand(["fake.jpg"]).files == ("fake.jpg",)
    assert "b/fake.png" in expand(["b"]).files
    (here / "fake.jpg" / "real.jpg").write_bytes(b"x")
    assert expand(["fake.jpg"]).files == ("fake.jpg/real.jpg",)


def test_a_folder_that_cannot_be_opened_is_a_row_and_told(here, monkeypatch):
    real = os.scandir

    def refuse(path):
        if str(path) == "b/c":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    given = expand(["b"])
    assert given.files == ("b/10.png", "b/2.JPG", "b/a/x.webp", "b/c")
    assert given.notes == ("The folder b/c cannot be opened: Permission denied.",)


def test_names_that_no_file_can_have_are_rows(here):
    names = ["", "a\0b.jpg", "x" * 5000 + ".jpg", "\ud800.jpg"]
    assert expand(names).files == tuple(names)


def test_odd_names_are_found(here):
    odd = [
        "sp ace.jpg",
        "com,ma.jpg",
        'quo"te.jpg',
        "new\nline.jpg",
        "füchslein-狐.jpg",
        os.fsdecode(b"caf\xe9.jpg"),
    ]
    (here / "odd").mkdir()
    for name in odd:
        Path("odd", name).write_bytes(b"x")
    assert sorted(expand(["odd"]).files) == sorted(f"odd/{n}" for n in odd)
    assert sorted(expand(["odd/*"]).files) == sorted(f"odd/{n}" for n in odd)
