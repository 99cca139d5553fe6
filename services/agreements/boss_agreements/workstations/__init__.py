"""The desks of a business unit's locations."""
