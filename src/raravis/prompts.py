"""A family and its lineage become the sentences by which a network that reads is asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Final

from raravis.errors import UsageError, unknown

TEMPLATES: Final = ("a photo of {lineage}.", "a photo of {family}.", "{lineage}", "a close-up photo of {lineage}.")
"""`{lineage}`: every known rank down to the family, the widest first, as BioCLIP was taught (Stevens et al. 2024)."""

_FIELDS: Final = ("lineage", "family")
_RANKS: Final = ("kingdom", "phylum", "class", "order", "family")


def check(templates: Sequence[str]) -> None:
    """Raise what is wrong with templates.

    Raises:
        UsageError: none at all, or one without a field, with an unknown one, or with a lone brace.
    """
    if not templates:
        raise UsageError("No template was given; one such as 'a photo of {lineage}' was expected.")
    for template in templates:
        try:
            fields = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
        except ValueError as error:
            raise UsageError(f"The template {template!r} was not understood: {error}.") from error
        if not fields:
            raise UsageError(
                f"The template {template!r} names no family: {{lineage}} or {{family}} was expected in it."
            )
        for field in fields:
            if field not in _FIELDS:
                raise UsageError(unknown("field of a template", field, _FIELDS))


def prompts(lineage: Mapping[str, str], templates: Sequence[str] = TEMPLATES) -> list[str]:
    """One sentence a template.

    Args:
        lineage: rank → name, `family` among them; ranks that are not there are left out.
        templates: with the fields `{lineage}` and `{family}`.

    >>> prompts({"class": "aves", "family": "corvidae"}, ["a photo of {lineage}"])
    ['a photo of Aves Corvidae']
    """
    names = {rank: lineage[rank].replace("_", " ").capitalize() for rank in _RANKS if lineage.get(rank)}
    return [template.format(lineage=" ".join(names.values()), family=names["family"]) for template in templates]
