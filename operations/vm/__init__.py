"""`./bedplate vm`: one virtual machine of a stack, its snapshots, and what came of it."""
