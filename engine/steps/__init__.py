"""The steps of actions: a closed vocabulary, pure."""
