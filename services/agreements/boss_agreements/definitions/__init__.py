"""What agreements a club offers: with which items, in which units, from when to when."""
