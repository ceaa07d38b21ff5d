"""How a program of Kubernetes reads the name of a flag."""


def canonical(name: str) -> str:
    """The flag that a name means, as Kubernetes spells it.

    Source: kubernetes/component-base, cli/flag, WordSepNormalizeFunc: _ is read as -.
    """
    return name.strip().lstrip("-").replace("_", "-").lower()
