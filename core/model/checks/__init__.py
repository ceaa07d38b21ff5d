"""What no single field can know, by subject."""
