"""The texts of agreements' documents, every version kept."""
