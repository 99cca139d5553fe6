"""Collections: who owes what, and how far collecting has come."""
