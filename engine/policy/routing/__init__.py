"""Routing: which places supply what a record needs. Pure: needs and places in, parts and reasons out."""
