"""Orderloom: an engine that reads YAML definitions and serves tables, REST endpoints, forms and workflows from them."""

__version__ = "0.1.0"
