"""A machine's BMC over Redfish, by way of sushy: paced, with a deadline, and with errors that a user can act on.

access.py holds how a BMC is reached, channel.py sends requests, and system.py has the operations. A plan loads only the
first: the others import sushy.
"""
