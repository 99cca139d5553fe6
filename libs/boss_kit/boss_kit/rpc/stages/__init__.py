"""What happens around every call, one small file per concern."""
