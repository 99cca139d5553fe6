"""Within how many days agreements are sold, cancelled, suspended and renewed."""
