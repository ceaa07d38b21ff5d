"""The two APIs of a platform, asked by us: for the provider's gates and the runner, never while a plan is made.

Small on purpose: what a plugin or talosctl does already is not done again here.
"""
