"""A cluster that runs already, taken over: its secrets, checked and put into a stack's state."""
