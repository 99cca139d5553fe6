"""How a business unit sets up accounts receivable management: switch, settings, templates."""
