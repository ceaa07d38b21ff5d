"""Classes of volumes, and what fills volumes with images."""

from .cdi import Cdi
from .local import LocalStorage
from .volumes import volumes

__all__ = ["Cdi", "LocalStorage", "volumes"]
