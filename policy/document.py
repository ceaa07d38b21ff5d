"""docs/policies.md, from the catalogue: python -m policy.document > docs/policies.md."""

from .catalogue import cis_coverage, list_rules

HEAD = """\
# The policies

The pack `bedplate` in `policy/` judges every plan and update: `./bedplate preview` and `up` pass it by default, and
`pulumi preview --policy-pack policy/pack` takes it too. This page is written by `python -m policy.document`.

A mandatory rule fails the plan, with the rule, the object, what is wrong and the remedy; an advisory one is shown. A
rule marked *asked* is off until it is asked for: `policy/strict.json` turns all of them on
(`--policy-pack-config policy/strict.json`). Levels of single rules are set in such a file of your own:
`{"kubernetes-images-have-digests": "mandatory"}`.

What a mandatory rule must read and can't know in the plan is a violation, not a silence. A message never repeats a
value, only where it stands: policies see secrets in the clear. Exceptions are data in `policy/rules/exceptions.py`: one
object, one rule, one reason each; one that nothing needs any more fails the tests.
"""


def text() -> str:
    """The whole page."""
    rules = list_rules()
    covered = cis_coverage()
    lines = [HEAD, f"## The {len(rules)} rules", "", "| Rule | Level | Why | Controls |", "|---|---|---|---|"]
    lines += [
        f"| `{r['name']}` | {r['level']} | {_cell(r['why'])} | {', '.join(map(str, r['controls']))} |" for r in rules
    ]
    with_rules = {row: names for row, names in covered.items() if names}
    lines += [
        "",
        "## CIS Kubernetes 1.12",
        "",
        f"{len(with_rules)} of {len(covered)} rows have a rule here:",
        "",
        "| Row | Rules |",
        "|---|---|",
    ]
    lines += [f"| {row} | {', '.join(f'`{name}`' for name in names)} |" for row, names in with_rules.items()]
    lines += [
        "",
        "The others are file modes of hosts that Talos does not have, what Talos sets and nobody can change, or manual.",
        "",
    ]
    return "\n".join(lines)


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    print(text(), end="")
