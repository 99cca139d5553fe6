"""What members signed: agreements, their schedules and status."""
