"""Bringing a database to what the definitions say: what has to be done, doing it, and undoing it."""
