"""Linear algebra on one thread: within, and as it was afterwards."""

import numpy as np
import pytest
import scipy.linalg
from threadpoolctl import threadpool_info, threadpool_limits

from raravis import blas


def threads():
    return {one["filepath"]: one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    scipy.linalg.eigvalsh(np.eye(2) @ np.eye(2))  # both packages have loaded theirs
    with threadpool_limits(2, user_api="blas"):
        yield


def test_every_blas_computes_on_one_thread_within_and_on_as_many_as_before_afterwards():
    before = threads()
    assert set(before.values()) == {2}
    with blas.on_one_thread():
        assert set(threads().values()) == {1}
    assert threads() == before


def test_scipys_alone():
    with blas.scipys_on_one_thread():
        found = {("scipy.libs" in file): count for file, count in threads().items()}
    assert found == {True: 1, False: 2}
    assert set(threads().values()) == {2}
