"""What everything else builds on: the typed model, machine configs, contracts and facts. No Pulumi and no I/O."""
