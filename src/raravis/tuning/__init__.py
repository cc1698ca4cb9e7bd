"""Searches for good recipes: spaces over their fields, Keras Tuner's ways through them, what was found."""
