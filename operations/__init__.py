"""Day two: what runs beside the program, in the engine's environment."""

from core import memory

# Each command is a process of its own that starts here, makes the model of a platform, and ends.
memory.install()
