"""The catalogue says of every rule what it is, and claims no control that isn't there."""

import json
import re

from policy.catalogue import CIS_SECTIONS, DOCS, cis_coverage, cis_ids, list_rules
from policy.rules import RULES
from tests.policy.support import RULE

# Kept apart from the rules: how the pack's files are found is part of what is tested.
from conftest import ROOT  # isort: skip


def test_every_rule_has_a_complete_entry() -> None:
    entries = {entry["name"]: entry for entry in list_rules()}
    assert entries.keys() == RULE.keys()
    for entry in entries.values():
        assert entry["why"].endswith(".") and not entry["remedy"].endswith(".")
        assert entry["severity"] in ("low", "medium", "high", "critical")
        assert entry["docs"].startswith("https://")
    assert json.loads(json.dumps(list_rules())) == list_rules()


def test_no_documentation_is_left_over() -> None:
    assert sorted(DOCS.keys() - {rule.name.partition("-")[0] for rule in RULES}) == []


def test_cis_has_the_rows_of_version_1_12() -> None:
    assert sum(CIS_SECTIONS.values()) == len(cis_ids()) == 131


def test_controls_are_ones_that_exist() -> None:
    others = {"KSPP", "TALOS CA", "PSS baseline", "PSS restricted"}
    for rule in RULES:
        for control in rule.controls:
            assert control in others or control.removeprefix("CIS ") in cis_ids(), (rule.name, control)


def test_coverage_never_shrinks_unseen() -> None:
    """The rows that no rule checks: Talos meets them with files and flags that no patch changes, or they are manual."""
    assert {row for row, rules in cis_coverage().items() if not rules and row[:2] != "1." and row[:3] != "4.1"} == {
        "2.1", "2.4", "2.7",  # Talos' own certificates and its own CA for etcd
        "3.1.1", "3.1.2", "3.1.3",  # who uses which credentials
        "4.2.3",  # client CA
        "4.3.1",  # there is no kube-proxy
        "5.4.2", "5.6.3",  # an external secret store; security contexts, row by row in 5.2
    }  # fmt: skip


def test_names_read_as_what_must_hold() -> None:
    for rule in RULES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+){2,}", rule.name), rule.name


def test_strict_enables_every_opt_in_rule() -> None:
    strict = json.loads((ROOT / "policy" / "strict.json").read_text())
    assert strict.keys() == {rule.name for rule in RULES if rule.level == "opt-in"}
    assert set(strict.values()) <= {"advisory", "mandatory"}
