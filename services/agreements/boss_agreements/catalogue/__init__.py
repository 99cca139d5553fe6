"""What all entries of the catalogue have in common: owner, name, active, versions, how they are kept and served."""
