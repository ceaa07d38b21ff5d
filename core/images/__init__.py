"""The container images that a platform's machines pull, as plain data."""

from .listed import Listing, Needed, listed

__all__ = ["Listing", "Needed", "listed"]
