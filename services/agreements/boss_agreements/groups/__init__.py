"""Who agreements are for, and what becomes of their add-ons."""
