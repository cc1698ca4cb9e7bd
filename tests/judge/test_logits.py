"""The few functions of SciPy that are done in NumPy say what SciPy says."""

import numpy as np
import pytest
from scipy import special

from raravis.judge import logits

HARD = [[0.0, 0.0, 0.0], [1000.0, 1000.0, -1000.0], [-1e4, 3.0, 2.0], [1e38, -1e38, 0.0], [-np.inf, 0.0, 1.0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_they_say_what_scipy_says_and_keep_the_precision(name, dtype):
    values = np.concatenate([HARD, np.random.default_rng(0).normal(0, 30, (200, 3))]).astype(dtype)
    with np.errstate(over="ignore"):
        found, wanted = getattr(logits, name)(values), getattr(special, name)(values, axis=-1)
    assert found.dtype == dtype
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_odds_and_probabilities_are_each_others_inverse_and_do_not_overflow():
    odds = np.array([-800.0, -20.0, 0.0, 3.0, 20.0, 800.0])
    np.testing.assert_allclose(logits.sigmoid(odds), special.expit(odds), rtol=1e-12)
    probability = np.array([1e-9, 0.1, 0.5, 0.9, 1 - 1e-9])
    np.testing.assert_allclose(logits.log_odds(probability), special.logit(probability), rtol=1e-12)
    np.testing.assert_allclose(logits.sigmoid(logits.log_odds(probability)), probability, rtol=1e-12)
