"""Whether a member may be contacted now (SPEC NOT-4)."""
