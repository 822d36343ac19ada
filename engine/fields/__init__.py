"""The types of fields, a file for each family."""
