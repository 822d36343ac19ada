"""One transaction for each act: what joins policy and store."""
