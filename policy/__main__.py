"""Serves the rules to the engine. Importing this module blocks, because PolicyPack() runs a server."""

import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, Policy, PolicyPack

# The engine starts this file in its own folder; the rules import `core` from the repository's root.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policy.rules import RULES
from policy.rules.serve import decode_once, policies

if not decode_once():
    # Without it, no rule could tell a secret from a plain value, and a credential in plain text would pass.
    sys.exit(
        "the policy pack can't see which values are secret with this release of pulumi-policy, so nothing is judged; "
        "install the release that requirements.txt pins"
    )
PolicyPack("bedplate", policies=list[Policy](policies(RULES)), enforcement_level=EnforcementLevel.MANDATORY)
