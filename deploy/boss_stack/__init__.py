"""The distributed form on one machine: every service in its own processes, a real broker and a real database."""
