"""Image registries: mirrors, certificate authorities, required signatures and credentials."""

from collections.abc import Iterator, Mapping

from core.model import Platform

from .document import Document, document


def registries(platform: Platform) -> Iterator[Document]:
    """Mirrors and authorities of registries, and who must have signed which images."""
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
    """The machines' credentials for registries. Secret: they never go into a patch, because plans show patches."""
    for host, user in sorted(given.items()):
        yield document("RegistryAuthConfig", name=host, username=user["username"], password=user["password"])
