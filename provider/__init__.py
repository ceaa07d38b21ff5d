"""The plugin with the resources that no other plugin offers."""
