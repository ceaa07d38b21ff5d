"""Serves the rules to the engine. Importing this module blocks, because PolicyPack() runs a server."""

import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, Policy, PolicyPack

# The engine starts this file in its own folder; the rules import `core` from the repository's root.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policy.rules import RULES
from policy.rules.serve import decode_once, policies

decode_once()
PolicyPack("bedplate", policies=list[Policy](policies(RULES)), enforcement_level=EnforcementLevel.MANDATORY)
