"""Agreements: the people of a club, what they signed, when it is suspended and what is due."""
