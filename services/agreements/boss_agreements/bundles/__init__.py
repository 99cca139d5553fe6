"""Items that are sold together around a Key Item."""
