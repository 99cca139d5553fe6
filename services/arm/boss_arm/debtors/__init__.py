"""What arm knows of business units, members and balances: copies of other services' facts."""
