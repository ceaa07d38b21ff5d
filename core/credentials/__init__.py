"""Credentials rendered and read: talosconfig, and when certificates expire."""
