"""A service that has nothing but what the kit gives: what the process tests start."""
