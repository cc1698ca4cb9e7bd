"""What the process keeps of the memory that a step of training frees, and what a seed does and does not say."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from raravis import engine

HELD_AFTER_FREEING = """
import ctypes
from raravis import engine

engine._keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
blocks = [libc.malloc(100_000) for _ in range(400)]
for block in reversed(blocks):
    libc.free(block)


class MallInfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]


libc.mallinfo2.restype = MallInfo2
print(libc.mallinfo2().keepcost)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a rule of glibc")
@pytest.mark.parametrize(("said", "kept"), [({}, True), ({"MALLOC_TOP_PAD_": "131072"}, False)])
def test_forty_megabytes_freed_are_kept_unless_the_environment_says_otherwise(said, kept):
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    asked = subprocess.run(
        [sys.executable, "-c", HELD_AFTER_FREEING], env=plain | said, capture_output=True, text=True, check=True
    )
    assert (int(asked.stdout) > 30_000_000) is kept


@pytest.mark.engine
def test_a_seed_starts_every_draw_anew_and_nobody_hears_what_is_imported_for_it(monkeypatch, capfd):
    keras = engine.keras()
    seeded = keras.utils.set_random_seed

    def loudly(number):
        os.write(2, b"oneDNN custom operations are on")
        seeded(number)

    monkeypatch.setattr(keras.utils, "set_random_seed", loudly)
    draws = []
    for number in (3, 3, 4):
        engine.seed(number)
        draws.append([np.random.random(), float(keras.random.uniform(()))])  # noqa: NPY002 (the one that is seeded)
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]
    assert capfd.readouterr().err == ""
