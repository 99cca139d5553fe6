"""A club's own file of members and agreements, taken over record by record."""
