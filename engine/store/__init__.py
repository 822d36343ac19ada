"""The database: tables, records, queries, history, migrations."""
