"""All five services in one process, on an embedded PostgreSQL and the local bus (DESIGN 2)."""
