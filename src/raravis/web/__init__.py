"""Identification in a browser and over HTTP: one application over one model."""
