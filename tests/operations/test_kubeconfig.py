"""The kubeconfigs of a state, before a program gets them."""

import io
import json
import sys

import pytest

from core.credentials.kubeconfig import Kubeconfig
from operations.kubeconfig import faults, main
from tests.provider.certificates import Pki, pem

PKI = Pki()
GOOD = Kubeconfig("dev", "https://10.0.0.1:6443", pem(PKI.ca), *PKI.pair("admin")).text()
EVIL = GOOD.replace("    client-key-data:", "    exec: {command: hunter2}\n    client-key-data:")
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def provider(**inputs):
    return {"type": "pulumi:providers:kubernetes", "urn": "u::kubernetes-provider", "inputs": inputs}


def test_a_provider_of_the_state_with_anything_else_in_its_kubeconfig_is_named():
    good, evil = ({**SECRET, "plaintext": json.dumps(text)} for text in (GOOD, EVIL))
    fine = [provider(kubeconfig=good), provider(), {**provider(kubeconfig=evil), "type": "a:b:C"}]
    assert EVIL != GOOD and list(faults(fine)) == []
    (fault,) = faults([*fine, provider(kubeconfig=evil)])
    assert fault.startswith(
        "kubernetes-provider: the kubeconfig in the state is not a kubeconfig with a client certificate and nothing "
        "else: its user has exec; "
    )
    assert "hunter2" not in fault
    # A path instead of a text.
    assert len(list(faults([provider(kubeconfig="~/.kube/config")]))) == 1


@pytest.mark.parametrize(("text", "code"), [(GOOD, 0), (EVIL, 2), ("", 2)])
def test_one_is_written_anew_or_refused(monkeypatch, capsys, text, code):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert main(["rebuild"]) == code
    told = capsys.readouterr()
    assert told.out == (GOOD if code == 0 else "") and "hunter2" not in told.err
    assert code == 0 or told.err.startswith("the stack's kubeconfig is not a kubeconfig with a client certificate")
