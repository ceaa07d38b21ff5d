"""The texts of the program that phases look for in its output.

tests/lab/test_texts.py holds that the program still has each of them.
"""

ANOTHER_CERTIFICATE = "was identified under the certificate"
ASKS_FOR_NO_CERTIFICATE = "asks for no certificate"
ADOPTS_ETCD = "etcd is running already, with "
CERTIFICATE_EXPIRES = "certificate expires in"
DRAINED = "is drained"
HEALTHY_AGAIN = "is healthy, and takes pods as before"
NO_OTHER_NODE = "no other node takes pods"
NOT_FILLED = "was not filled from"
NOT_LOST = "so it is not lost"
STAYS = " stays: "
SEVERAL_AT_ONCE = "would leave or move"
NOT_DECOMMISSIONED = "was not decommissioned"
UNREACHABLE = "did not answer"
# What an `up` reports when a step of a machine's way out begins, in their order.
LEAVING = (DRAINED, "leaves etcd", "its system disk is wiped", "it is out of the platform")

ALL = (
    ANOTHER_CERTIFICATE,
    ASKS_FOR_NO_CERTIFICATE,
    ADOPTS_ETCD,
    CERTIFICATE_EXPIRES,
    DRAINED,
    HEALTHY_AGAIN,
    NO_OTHER_NODE,
    NOT_FILLED,
    NOT_LOST,
    STAYS,
    SEVERAL_AT_ONCE,
    NOT_DECOMMISSIONED,
    UNREACHABLE,
    *LEAVING,
)
