"""Every credential of every type that the program registers is held secret: none is forgotten, and none is invented."""

import pytest

from core.facts.secrets import SECRET_INPUTS as FOREIGN
from core.native.contracts import CONTRACTS, SECRET_INPUTS
from policy.rules import RULES
from policy.rules.rule import Inputs, Resource

(RULE,) = (rule for rule in RULES if rule.name == "credentials-are-marked-secret")
CREDENTIALS = [(token, name) for token, names in SECRET_INPUTS.items() for name in names]


def complaints(token: str, name: str, *, secret: bool) -> list[str]:
    """What the rule says of a resource with one credential."""
    marked = frozenset({name} if secret else ())
    resource = Resource(type=token, name="it", props=Inputs(lambda: ({name: "hunter2"}, marked)))
    return list(RULE.complaints(resource))


@pytest.mark.parametrize(("token", "name"), CREDENTIALS)
def test_a_credential_in_plain_text_is_refused(token: str, name: str) -> None:
    (complaint,) = complaints(token, name, secret=False)
    assert f"{name} is not marked secret" in complaint and "hunter2" not in complaint
    assert complaints(token, name, secret=True) == []


def test_every_type_of_our_own_with_a_secret_is_judged() -> None:
    ours = {token for token in RULE.kinds if token.startswith("bedplate-native:")}
    assert ours == {token for token, contract in CONTRACTS.items() if contract.secret_inputs}
    assert len(ours) == 20
    assert RULE.kinds - ours == FOREIGN.keys()
