"""The policy pack: rules over the plan, a catalogue of them, and the program that serves them."""
