"""Decisions: pure functions of definitions and facts that return values with their reasons."""
