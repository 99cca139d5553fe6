"""What accounts were asked to pay."""
