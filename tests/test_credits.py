"""Whose images a report shows."""

import pandas as pd

from raravis import credits, page
from raravis.page import Link, Section, Table, Text


def rows(**columns):
    return pd.DataFrame({"file_path": ["d/a.jpg", "d/b.jpg"], "family": ["felidae", "canidae"], **columns})


def test_images_of_which_nobody_said_whose_they_are():
    (found,) = credits.blocks(rows())
    assert isinstance(found, Text)
    assert found.text.startswith("Licence unknown")
    assert credits.blocks(rows(license=["", ""], rights_holder=["", ""]))[0] == found
    assert credits.blocks(rows().iloc[:0]) == []


def test_images_of_one_owner_take_one_line():
    found = credits.blocks(rows(license=["CC0", "CC0"], rights_holder=["Ana", "Ana"]))
    assert found == [Text("Images: Ana, CC0.")]


def test_each_image_is_named_once_with_its_licence_holder_and_page():
    table = rows(
        license=["CC BY 4.0", ""],
        rights_holder=["Ana <b>", ""],
        references=["https://example.org/page", ""],
        source_url=["https://example.org/a.jpg", "https://" + "x" * 60 + ".org/b.jpg"],
    )
    (found,) = credits.blocks(pd.concat([table, table]))
    assert isinstance(found, Table)
    assert found.frame["image"].tolist() == ["a.jpg", "b.jpg"]
    assert found.frame["licence"].tolist() == ["CC BY 4.0", "licence unknown"]
    assert found.frame["rights holder"].tolist() == ["Ana <b>", page.NOTHING]
    assert found.frame["source"].tolist()[0] == Link("example.org", "https://example.org/page")
    assert len(str(found.frame["source"].tolist()[1])) == 40
    html = page.render(title="t", lead="l", sections=[Section("s", [found])])
    assert '<a href="https://example.org/page" rel="noopener noreferrer">example.org</a>' in html
    assert "Ana &lt;b&gt;" in html


def test_a_licence_that_is_an_address_leads_there():
    address = "https://example.org/licence"
    (found,) = credits.blocks(rows(license=[address, "CC0"], rights_holder=["Ana", "Bo"]))
    assert found.frame["licence"].tolist() == [Link(address, address), "CC0"]


def test_the_rights_in_one_image_are_written_beside_it():
    table = rows(
        license=["CC BY 4.0", ""],
        rights_holder=["Ana", ""],
        source_url=["https://example.org/a.jpg", "https://www.example.net/b.jpg"],
        references=["https://example.org/page", ""],
    )
    both, neither = credits.each(table)
    assert both.words == ["© Ana", "CC BY 4.0"]
    assert neither.words == ["licence unknown"]
    assert [(part.text, part.address) for part in both.parts] == [
        ("© Ana", ""),
        ("CC BY 4.0", ""),
        ("example.org", "https://example.org/page"),
    ]
    assert [part.text for part in neither.parts] == ["licence unknown", "example.net"]
    assert credits.each(rows()) == [credits.Rights()] * 2


def test_only_web_addresses_become_links():
    table = Table(pd.DataFrame({"source": [Link("x", "javascript:alert(1)"), Link("y", "HTTP://a.org")]}))
    html = page.render(title="t", lead="l", sections=[Section("s", [table])])
    assert "javascript" not in html
    assert html.count('rel="noopener noreferrer"') == 1
