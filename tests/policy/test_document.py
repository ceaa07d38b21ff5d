"""The page about the policies."""

from conftest import ROOT

from policy.document import text


def test_the_page_is_the_catalogues():
    """python -m policy.document > docs/policies.md writes it again."""
    assert (ROOT / "docs/policies.md").read_text(encoding="utf-8") == text()
