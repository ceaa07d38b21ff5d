"""The CIS rows that a patch can undo: met by default, checked in the plan, and lifted only by a recorded exception.

In our own words, from the benchmark's sections on control planes and nodes as Talos runs them. Rows that nobody can
change (file modes, fixed flags) and manual rows are not here.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from conftest import changed, stack_platform

from core.machineconfig.documents import patches
from core.model import Platform, StackFileError, parse
from core.model.exceptions import CONTROLS
from policy.rules import RULES
from policy.rules.field import Field
from policy.rules.patches import MachineConfig, merge
from policy.rules.rule import MACHINE, Resource
from tests.machineconfig.contracts import at

TODAY, UNTIL = date(2026, 11, 1), date(2026, 12, 31)
# Where a setting stands: a path of the large document, and the kind of document that has it from v1.14 on.
PLACES = {
    "api": ("cluster.apiServer.extraArgs", "KubeAPIServerConfig", "extraArgs"),
    "manager": ("cluster.controllerManager.extraArgs", "KubeControllerManagerConfig", "extraArgs"),
    "scheduler": ("cluster.scheduler.extraArgs", "KubeSchedulerConfig", "extraArgs"),
    "etcd": ("cluster.etcd.extraArgs", None, ""),
    "kubelet": ("machine.kubelet.extraArgs", "KubeletConfig", "extraArgs"),
    "kubelet config": ("machine.kubelet.extraConfig", "KubeletConfig", "config"),
    "kubelet itself": ("machine.kubelet", "KubeletConfig", ""),
    "node": ("machine.kubelet", "KubeNodeConfig", ""),
    "kernel": ("machine.sysctls", "SysctlConfig", "params"),
    "api itself": ("cluster.apiServer", None, ""),
    "cluster": ("cluster", None, ""),
}


@dataclass(frozen=True)
class Row:
    controls: str  # all that the rule in question stands for
    place: str
    key: str
    default: object  # the value in every config; None if the config leaves it to Talos
    loose: object  # what a patch could make of it

    def __str__(self) -> str:
        return f"{self.controls}-{self.key}={json.dumps(self.loose)[:30]}"

    @property
    def rows(self) -> list[str]:
        return ["KSPP" if one == "KSPP" else f"CIS {one}" for one in self.controls.split()]

    def patch(self, contract: str) -> dict[str, Any]:
        path, kind, inside = PLACES[self.place]
        if contract == "v1.14" and kind:
            held = {self.key: self.loose}
            return {"apiVersion": "v1alpha1", "kind": kind, **({inside: held} if inside else held)}
        made: Any = {self.key: self.loose}
        for part in reversed(path.split(".")):
            made = {part: made}
        return made  # type: ignore[no-any-return]

    def value(self, config: MachineConfig, contract: str) -> Field:
        path, kind, inside = PLACES[self.place]
        if contract == "v1.14" and kind:
            found = config.of(kind) or [Field({})]
            return found[0][inside][self.key] if inside else found[0][self.key]
        return config.v1alpha1.at(*path.split("."))[self.key]


CA = "/system/secrets/kubernetes/kube-apiserver/ca.crt"
TABLE = (
    Row("1.2.1", "api", "anonymous-auth", "false", "true"),
    Row("1.2.2", "api", "token-auth-file", None, "/var/tokens.csv"),
    Row("1.2.3", "api", "enable-admission-plugins", "DenyServiceExternalIPs", "AlwaysPullImages"),
    Row("1.2.5 4.2.9 4.2.11", "api", "kubelet-certificate-authority", CA, "/etc/ssl/certs/ca-certificates"),
    Row("1.2.5 4.2.9 4.2.11", "kubelet config", "serverTLSBootstrap", True, False),
    Row("1.2.5 4.2.9 4.2.11", "kubelet", "rotate-server-certificates", None, "false"),
    Row("1.2.6 1.2.7 1.2.8", "api", "authorization-mode", None, "AlwaysAllow"),
    Row("1.2.10 1.2.3", "api", "enable-admission-plugins", "DenyServiceExternalIPs", "AlwaysAdmit"),
    Row("1.2.12 1.2.13 1.2.14", "api", "disable-admission-plugins", None, "NodeRestriction"),
    Row("1.2.15", "api", "profiling", "false", "true"),
    Row("1.2.16 3.2.1", "api", "audit-log-path", None, "/dev/null"),
    Row("1.2.17", "api", "audit-log-maxage", None, "1"),
    Row("1.2.18", "api", "audit-log-maxbackup", None, "1"),
    Row("1.2.19", "api", "audit-log-maxsize", None, "1"),
    Row("1.2.21", "api", "service-account-lookup", None, "false"),
    Row("1.2.27 1.2.28", "cluster", "secretboxEncryptionSecret", None, {"$patch": "delete"}),
    Row("1.2.29", "api", "tls-min-version", None, "VersionTLS10"),
    Row("1.2.29", "api", "tls-cipher-suites", None, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    Row("1.2.30", "api", "service-account-extend-token-expiration", "false", "true"),
    Row("1.3.1", "manager", "terminated-pod-gc-threshold", "100", "0"),
    Row("1.3.2", "manager", "profiling", "false", "true"),
    Row("1.3.3", "manager", "use-service-account-credentials", None, "false"),
    Row("1.3.6", "manager", "feature-gates", None, "RotateKubeletServerCertificate=false"),
    Row("1.3.7", "manager", "bind-address", None, "0.0.0.0"),
    Row("1.4.1", "scheduler", "profiling", "false", "true"),
    Row("1.4.2", "scheduler", "bind-address", None, "0.0.0.0"),
    Row("2.2 2.5", "etcd", "client-cert-auth", None, "false"),
    Row("2.3 2.6", "etcd", "auto-tls", None, "true"),
    Row("3.2.1 3.2.2", "api itself", "auditPolicy", ..., {"rules": [{"level": "None"}]}),
    Row("4.2.1", "kubelet", "anonymous-auth", None, "true"),
    Row("4.2.2", "kubelet", "authorization-mode", None, "AlwaysAllow"),
    Row("4.2.2", "node", "skipNodeRegistration", None, True),
    Row("4.2.4", "kubelet config", "readOnlyPort", 0, 10255),
    Row("4.2.5", "kubelet config", "streamingConnectionIdleTimeout", "5m0s", "0s"),
    Row("4.2.6", "kubelet config", "makeIPTablesUtilChains", True, False),
    Row("4.2.7", "kubelet", "hostname-override", None, "cp-2"),
    Row("4.2.8", "kubelet config", "eventRecordQPS", 50, -1),
    Row("4.2.10", "kubelet config", "rotateCertificates", None, False),
    Row("4.2.12", "kubelet config", "tlsCipherSuites", None, ["TLS_RSA_WITH_RC4_128_SHA"]),
    Row("4.2.13", "kubelet config", "podPidsLimit", 8192, -1),
    Row("4.2.14 5.6.2", "kubelet itself", "defaultRuntimeSeccompProfileEnabled", True, False),
    Row("5.2.1", "api itself", "admissionControl", ..., {"$patch": "delete"}),
    Row("KSPP", "kernel", "kernel.kptr_restrict", None, "0"),
    Row("KSPP", "kernel", "user.max_user_namespaces", None, "11255"),
)
# From v1.14 on these are other documents, which have cases of their own (cases/talos.py).
OLD_ALONE = ("auditPolicy", "admissionControl", "secretboxEncryptionSecret", "anonymous-auth")


def contracts(row: Row) -> list[str]:
    return ["v1.12"] if row.key in OLD_ALONE and row.place != "kubelet" else ["v1.12", "v1.14"]


CASES = [pytest.param(row, contract, id=f"{row}-{contract}") for row in TABLE for contract in contracts(row)]


def platform(row: Row | None, contract: str, excepted: list[str], today: date = TODAY) -> Platform:
    rows = [
        {"control": c, "reason": "A vendor's program needs it so.", "until": UNTIL.isoformat(), "ticket": "OPS-1"}
        for c in excepted
    ]
    made = parse(changed(stack_platform("prod"), {"exceptions": rows}), today)
    # Beside the file: what of it is refused there already must be refused by the policies as well.
    own = (row.patch(contract),) if row else ()
    return at(contract, made.model_copy(update={"talos": made.talos.model_copy(update={"patches": own})}))


def complaints(want: Platform) -> list[str]:
    machine = Resource(type=MACHINE, name="cp-1", props={"configPatches": patches(want, "cp-1")})
    return [message for rule in RULES if rule.level == "mandatory" for message in rule.complaints(machine)]


def test_no_row_is_forgotten():
    """Every control that a rule judges a machine by, and so every one that can be excepted."""
    # tests/policy/test_machines.py has the one whose field is a list.
    assert {control for row in TABLE for control in row.rows} | {"TALOS CA"} == set(CONTROLS)


@pytest.mark.parametrize(("row", "contract"), CASES)
def test_every_machine_meets_it_by_default(row, contract):
    config = merge(Field(patches(platform(None, contract, []), "cp-1"), "configPatches"))
    value = row.value(config, contract)
    assert (
        value.given
        if row.default is ...
        else value.value == row.default
        if row.default is not None
        else not value.given
    )


@pytest.mark.parametrize(("row", "contract"), CASES)
def test_a_patch_that_undoes_it_fails_the_plan(row, contract):
    assert complaints(platform(None, contract, [])) == []
    assert complaints(platform(row, contract, []))


@pytest.mark.parametrize(("row", "contract"), CASES)
def test_a_recorded_exception_lets_it_through_until_its_day(row, contract):
    assert complaints(platform(row, contract, row.rows)) == []
    for lacking in row.rows:
        assert complaints(platform(row, contract, [one for one in row.rows if one != lacking]))
    assert platform(row, contract, row.rows, UNTIL)
    with pytest.raises(StackFileError, match="2026-12-31 is past; the exception has ended"):
        platform(row, contract, row.rows, UNTIL + timedelta(days=1))
