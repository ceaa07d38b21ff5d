"""One contract for each resource type of our own: its inputs, its outputs, and what is secret, replaces or is ignored.

The provider checks, compares and encrypts by these contracts, the components register by them, and the policy that
wants credentials marked secret reads them.
"""

from .contract import Contract, Input, Output
from .values import UNKNOWN, InputError, Unknown, Values

__all__ = ["UNKNOWN", "Contract", "Input", "InputError", "Output", "Unknown", "Values"]
