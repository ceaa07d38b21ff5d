"""Plans of pull requests: the same plan as the real one, from a state in which every secret is a stand-in."""
