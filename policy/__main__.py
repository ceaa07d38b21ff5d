"""Serves the rules to the engine. Importing this blocks: PolicyPack() runs a server."""

from pulumi_policy import EnforcementLevel, PolicyPack

from rules import RULES
from rules.serve import decode_once, policies

decode_once()
PolicyPack("bedplate", policies=policies(RULES), enforcement_level=EnforcementLevel.MANDATORY)
