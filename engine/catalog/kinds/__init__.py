"""The kinds of definitions, a file for each family."""
