"""Processors: the port, and the simulator in the box."""
