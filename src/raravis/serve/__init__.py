"""Identification of new photographs."""
