"""How far collecting has come (SPEC COL-4)."""
