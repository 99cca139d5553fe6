"""The Agreement Writer: drafts, quotes, signatures and the sale."""
