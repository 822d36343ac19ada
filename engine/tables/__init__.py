"""Decision tables: how a grid is read, matched, and proved complete. Pure, and above nothing but expressions."""
