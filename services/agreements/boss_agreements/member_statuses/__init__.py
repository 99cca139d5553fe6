"""What a person is to a club: Prospect, Customer, Member, Recent Member."""
