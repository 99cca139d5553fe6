"""Calls between people, services and services: server, door, client, identity."""
