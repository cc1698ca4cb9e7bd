"""How large an install is: every extra of raravis with all that it pulls in, as it lies in `site-packages`.

Leaves: one JSON object on standard output: extra → MiB and number of packages. Only what is installed here is counted,
so it is run where `raravis[dev]` is installed; an extra of which a package is lacking is left out and named. An install
has pip beside it, which is counted too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution, metadata
from pathlib import Path

from packaging.requirements import Requirement

BAR_MIB = 400
"""Of the extra `field`."""


def main() -> None:
    extras = metadata("raravis").get_all("Provides-Extra") or []
    found, lacking = {}, {}
    for extra in ["", *extras]:
        try:
            packages = closure("raravis", [extra])
        except PackageNotFoundError as error:
            lacking[extra] = str(error)
            continue
        mib = sum(map(size, [*packages.values(), distribution("pip")])) / 2**20
        found[extra or "nothing"] = {"mib": round(mib), "packages": len(packages)}
    print(
        json.dumps(
            {"extras": found, "lacking": lacking, "bar_mib": BAR_MIB, "met": found["field"]["mib"] <= BAR_MIB}, indent=1
        )
    )


def closure(name: str, extras: Iterable[str]) -> dict[str, Distribution]:
    """A package and all that it needs, by name.

    Raises:
        PackageNotFoundError: one of them is not installed.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    left = [(name, extra) for extra in ("", *extras)]
    while left:
        wanted = left.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        found[wanted[0]] = distribution(wanted[0])
        for line in found[wanted[0]].requires or ():
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": wanted[1]}):
                left += [(re.sub(r"[-_.]+", "-", need.name).lower(), extra) for extra in ("", *need.extras)]
    return found


def size(package: Distribution) -> int:
    """Bytes of what a package has put on the disk."""
    paths = (Path(str(package.locate_file(file))) for file in package.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    main()
