"""What a club sells: access, services, products, rentals and fees."""
