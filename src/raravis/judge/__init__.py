"""Judgement of predictions: metrics with intervals, figures. Works on arrays; knows nothing of Keras."""
