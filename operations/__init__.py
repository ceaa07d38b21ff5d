"""Day two: what runs beside the program, in the engine's environment."""
