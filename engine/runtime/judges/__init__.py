"""What can be tried on the past: a judge for each kind of document that decides."""
