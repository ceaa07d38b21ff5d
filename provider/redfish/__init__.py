"""A machine's BMC over Redfish, by way of sushy: slowly, within a deadline, and in sentences a person can act on.

access.py says how a BMC is reached, channel.py asks it, system.py knows what to ask. Only the first is loaded for a
plan: the others import sushy.
"""
