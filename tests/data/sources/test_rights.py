"""Licences are written one way, whatever the source, and nothing is made up."""

import pandas as pd
import pytest

from raravis.data.sources._rights import credited, licence


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("http://creativecommons.org/licenses/by-nc/4.0/legalcode", "CC BY-NC 4.0"),
        ("https://creativecommons.org/licenses/by-nc-sa/3.0/de/", "CC BY-NC-SA 3.0 DE"),
        ("https://creativecommons.org/licenses/by/2.5/deed.en", "CC BY 2.5"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "Public Domain Mark"),
        ("CC_BY_NC_4_0", "CC BY-NC 4.0"),
        ("CC0_1_0", "CC0 1.0"),
        ("CC0-1.0", "CC0 1.0"),
        ("CC-BY-NC", "CC BY-NC"),
        ("cc-by-nc-sa", "CC BY-NC-SA"),
        ("cc0", "CC0"),
        ("CC BY-SA 4.0", "CC BY-SA 4.0"),
        ("Creative Commons BY 4.0 International", "CC BY 4.0"),
        (" All rights  reserved ", "All rights reserved"),
        ("no known copyright restrictions", "no known copyright restrictions"),
        ("not provided", ""),
        ("unspecified", ""),
        ("", ""),
        ("cc", "cc"),
        ("creativecommons.org/licenses/", "creativecommons.org/licenses/"),
    ],
)
def test_a_licence_gets_its_usual_name_or_stays_what_it_is(written, wanted):
    assert licence(written) == wanted
    assert licence(licence(written)) == wanted


def test_the_columns_of_many_tables_are_found_and_others_stay():
    table = pd.DataFrame(
        {"file_path": ["a", "b"], "Photographer": ["Ana", "n/a"], "Licence": ["cc0", ""], "url": ["x", "http://a.b"]}
    )
    found = credited(table)
    assert found["rights_holder"].tolist() == ["Ana", ""]
    assert found["license"].tolist() == ["CC0", ""]
    assert found["source_url"].tolist() == ["", "http://a.b"]
    assert found["Photographer"].tolist() == ["Ana", "n/a"]
    again = credited(found)
    assert again.equals(found)


def test_of_a_name_and_a_link_the_more_exact_one_counts_if_they_agree():
    table = pd.DataFrame(
        {
            "license_name": ["cc-by-nc", "cc-by", "", "own licence"],
            "license_link": [
                *("http://creativecommons.org/licenses/by-nc/3.0/", "http://creativecommons.org/licenses/by-nc/3.0/"),
                *("http://creativecommons.org/publicdomain/zero/1.0/", ""),
            ],
        }
    )
    assert credited(table)["license"].tolist() == ["CC BY-NC 3.0", "CC BY", "CC0 1.0", "own licence"]


def test_a_table_that_says_nothing_gets_empty_columns():
    found = credited(pd.DataFrame({"file_path": ["a"]}))
    assert found.loc[0, ["license", "rights_holder", "source_url", "references"]].tolist() == [""] * 4
