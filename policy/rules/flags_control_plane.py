"""Flags of the controller manager, the scheduler and etcd: one rule for each CIS row."""

from __future__ import annotations

from .flag import Flag, below, flag_rules, names, reachable, unfalse, untrue
from .rule import Rule

FLAGS = (
    Flag(
        "controller-manager-listens-locally",
        "controllerManager",
        ("bind-address",),
        reachable,
        "must be the loopback address",
        "Its metrics and debug endpoints must be reachable from the node only.",
        ("CIS 1.3.7",),
    ),
    Flag(
        "controller-manager-no-profiling",
        "controllerManager",
        ("profiling",),
        unfalse,
        "must stay false",
        "Profiles reveal the memory and the load of the control plane.",
        ("CIS 1.3.2",),
        "medium",
    ),
    Flag(
        "controller-manager-uses-own-accounts",
        "controllerManager",
        ("use-service-account-credentials",),
        untrue,
        "must stay true",
        "Each controller must have only its own rights.",
        ("CIS 1.3.3",),
    ),
    Flag(
        "controller-manager-rotates-kubelet-certificates",
        "controllerManager",
        ("feature-gates",),
        names("RotateKubeletServerCertificate=false", "AllAlpha=true"),
        "must not disable rotation",
        "Without rotation a certificate expires while it is in use.",
        ("CIS 1.3.6",),
        "medium",
    ),
    Flag(
        "controller-manager-collects-dead-pods",
        "controllerManager",
        ("terminated-pod-gc-threshold",),
        below(1),
        "must be a positive number",
        "Terminated pods accumulate in etcd until it is full.",
        ("CIS 1.3.1",),
        "low",
    ),
    Flag(
        "scheduler-listens-locally",
        "scheduler",
        ("bind-address",),
        reachable,
        "must be the loopback address",
        "Its metrics and debug endpoints must be reachable from the node only.",
        ("CIS 1.4.2",),
    ),
    Flag(
        "scheduler-no-profiling",
        "scheduler",
        ("profiling",),
        unfalse,
        "must stay false",
        "Profiles reveal the memory and the load of the control plane.",
        ("CIS 1.4.1",),
        "medium",
    ),
    Flag(
        "etcd-authenticates-clients",
        "etcd",
        ("client-cert-auth", "peer-client-cert-auth"),
        untrue,
        "must stay true",
        "A client that reaches etcd without a certificate can read every Secret.",
        ("CIS 2.2", "CIS 2.5"),
        "critical",
    ),
    Flag(
        "etcd-uses-issued-certificates",
        "etcd",
        ("auto-tls", "peer-auto-tls"),
        unfalse,
        "must stay false",
        "A self-signed certificate does not authenticate the peer.",
        ("CIS 2.3", "CIS 2.6"),
        "critical",
    ),
)


RULES: tuple[Rule, ...] = flag_rules(FLAGS)
