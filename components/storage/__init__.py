"""Classes of volumes, and what fills volumes with images."""

from .cdi import Cdi
from .golden import GoldenImages
from .local import LocalStorage
from .volumes import Volumes, volumes

__all__ = ["Cdi", "GoldenImages", "LocalStorage", "Volumes", "volumes"]
