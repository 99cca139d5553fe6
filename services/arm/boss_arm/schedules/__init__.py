"""Notification schedules: versions and their lines."""
