"""What accounts receivable management gives up and collections takes over."""
