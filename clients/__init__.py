"""Clients of a platform's two APIs, for the provider and the operations. No plan calls an API.

They hold only what no plugin and no talosctl command does already.
"""
