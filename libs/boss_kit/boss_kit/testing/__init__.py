"""pytest fixtures: database, broker, server, tokens."""
