"""Identification of new photographs.

The verb `raravis.serve(...)` has the same name as this room, so the room answers a call by handing it to the verb.
"""

import inspect
import sys
from types import ModuleType
from typing import Any

import raravis


class _Room(ModuleType):
    """A package that can be called as the verb."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return raravis.__getattr__("serve")(*arguments, **options)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(raravis.__getattr__("serve"))


sys.modules[__name__].__class__ = _Room
