"""What a component registers is what the contract declares."""

import pytest
from pulumi import ResourceOptions

from components.native import ContractResource
from core.native.kubernetes import NODE_READY


def test_an_input_that_is_not_declared_is_refused_before_anything_is_registered():
    """The provider would ignore it, so a misspelt optional input would go unnoticed."""
    values = {"node": "cp-1", "kubeconfig": "x", "timeoutSeconds": 9, "timeout": 9}
    with pytest.raises(ValueError, match=r"^timeout: not an input of bedplate-native:kubernetes:NodeReady"):
        ContractResource(NODE_READY, "it", values, ResourceOptions())
