"""Serves what no plugin offers: resources of Bedplate's own."""

from .framework import serve
from .resources import RESOURCES

if __name__ == "__main__":
    serve(RESOURCES)
