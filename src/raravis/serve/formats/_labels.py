"""Taxa written as SpeciesNet and Wildlife Insights write them: `uuid;class;order;family;genus;species;common name`.

Lower case, seven fields, empty where unknown; MegaDetector's tools read the same. The labels that stand here whole are
SpeciesNet's own. The identifiers of other taxa are ours: SpeciesNet publishes none for most families, so they
are made from the names (UUID version 5), the same for the same taxon in every file.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

from raravis.lineages import WIDER

BLANK: Final = "f1856211-cfb7-4a5b-9158-c0f72fd09ee6;;;;;;blank"
ANIMAL: Final = "1f689929-883d-4dae-958c-3d57ab5b6c16;;;;;;animal"
HUMAN: Final = "990ae9dd-7a59-4344-afcb-1b7b21368000;mammalia;primates;hominidae;homo;sapiens;human"
VEHICLE: Final = "e2895ed5-780b-48f6-8a11-9e27cb594511;;;;;;vehicle"
UNKNOWN: Final = f"f2efdae9-efb8-48fb-8a91-eccf79ab4ffb{';no cv result' * 6}"

_SHOWN: Final = ("class", "order", "family")
_SPACE: Final = uuid.uuid5(uuid.NAMESPACE_OID, "raravis")


def label(lineage: Mapping[str, str], rank: str) -> str:
    """Write the taxon of a lineage at a rank; one wider than a class has no field of its own: its name stands last."""
    wider = WIDER[: WIDER.index(rank) + 1]
    names = {one: _tidy(lineage.get(one, "")) for one in wider}
    if rank == "kingdom" and names[rank] in ("animalia", ""):
        return ANIMAL
    identifier = uuid.uuid5(_SPACE, ";".join(names.values()))
    common = f"{names[rank]} {rank}"
    return ";".join([str(identifier), *(names.get(one, "") for one in _SHOWN), "", "", common])


def _tidy(name: str) -> str:
    return name.replace(";", ",").lower()
