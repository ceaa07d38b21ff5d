"""Take over a running cluster: check its secrets and put them into a stack's state."""
