"""The policy pack: rules about planned resources, their catalogue, and the server for the engine."""
