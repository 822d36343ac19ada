"""From text to typed definitions: located YAML, the shapes that it must have, and how problems are shown."""
