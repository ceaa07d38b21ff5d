"""The version of Bedplate itself."""

# Reported by the provider plugin and by the policy pack. Source: CHANGELOG.md, the newest release.
VERSION = "0.1.0"
