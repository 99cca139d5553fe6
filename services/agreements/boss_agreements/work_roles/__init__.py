"""What people work as."""
