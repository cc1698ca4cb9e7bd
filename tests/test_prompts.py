"""Sentences that ask for a family, and templates that are none."""

import pytest

from raravis.errors import UsageError
from raravis.prompts import TEMPLATES, check, prompts


def test_the_lineage_is_told_from_the_widest_rank_and_gaps_are_left_out():
    lineage = {"family": "felidae", "kingdom": "animalia", "class": "mammalia", "order": ""}
    assert prompts(lineage, ["{lineage}", "one {family}"]) == ["Animalia Mammalia Felidae", "one Felidae"]
    assert len(prompts({"family": "felidae"})) == len(TEMPLATES)
    assert prompts({"family": "red_fox"}, ["{lineage}"]) == ["Red fox"]


@pytest.mark.parametrize(
    ("templates", "told"),
    [
        ([], "No template"),
        (["a photo"], "names no family"),
        (["a {genus}"], "genus"),
        (["a {family"], "not understood"),
    ],
)
def test_templates_that_ask_for_nothing_are_refused(templates, told):
    with pytest.raises(UsageError, match=told):
        check(templates)
