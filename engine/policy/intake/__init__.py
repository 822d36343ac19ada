"""From what a channel brings to fields of a model: formats, paths, maps. Pure; lookups are effects."""
