"""Where images come from, and whom machines believe there."""

from collections.abc import Iterator, Mapping

from core.model import Platform

from .document import Document, document


def registries(platform: Platform) -> Iterator[Document]:
    """Mirrors, authorities, and who must have signed an image."""
    for registry, mirror in platform.registries.mirrors.items():
        yield document(
            "RegistryMirrorConfig",
            name=registry,
            endpoints=[{"url": url, "overridePath": mirror.override_path} for url in mirror.endpoints],
            skipFallback=mirror.skip_fallback,
        )
    for host, tls in platform.registries.tls.items():
        yield document("RegistryTLSConfig", name=host, ca=tls.ca)
    if platform.talos.images:
        yield document(
            "ImageVerificationConfig",
            rules=[
                {
                    "image": rule.image,
                    **({"publicKey": {"certificate": rule.key}} if rule.key else {}),
                    **({"deny": True} if rule.deny else {}),
                    **({"skip": True} if rule.skip else {}),
                }
                for rule in platform.talos.images
            ],
        )


def credentials(given: Mapping[str, Mapping[str, str]]) -> Iterator[Document]:
    """Who machines are at registries. Secret: it never goes into a patch, which plans show."""
    for host, user in sorted(given.items()):
        yield document("RegistryAuthConfig", name=host, username=user["username"], password=user["password"])
