"""Members and the ways to reach them."""
