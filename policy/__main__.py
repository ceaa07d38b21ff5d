"""Serves the rules to the engine. Importing this blocks: PolicyPack() runs a server."""

import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

# The engine starts this in its own folder, and the rules import their facts from the checkout.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policy.rules import RULES
from policy.rules.serve import decode_once, policies

decode_once()
PolicyPack("bedplate", policies=policies(RULES), enforcement_level=EnforcementLevel.MANDATORY)
