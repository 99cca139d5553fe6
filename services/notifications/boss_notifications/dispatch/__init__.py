"""The long work: from a due notification to a provider (SPEC NOT-5)."""
