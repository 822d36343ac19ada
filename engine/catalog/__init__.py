"""Definitions, put together: built, linked, immutable."""
