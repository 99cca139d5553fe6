"""Enterprises and their business units: who sells and bills."""
