"""Folders of a computer that belong to its system, and to which no stack file may point."""

from pathlib import PurePosixPath

# Source: Filesystem Hierarchy Standard 3.0, sections 3 and 5; macOS' own folders after them.
_SYSTEM = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys", "/usr"),
    *("/var", "/System", "/Library", "/private/etc", "/private/var"),
)
# Where Debian keeps backups, and where its dnsmasq and others serve boot loaders from.
_DATA = ("/var/backups", "/var/lib/tftpboot")


# Source: POSIX.1-2017, section 3.282, the portable set of characters in names of files, with @.
PART = r"(?!\.\.?(?:/|$))[A-Za-z0-9._@-]+"
"""A name in a path, and not . or .."""
# Source: POSIX.1-2017, section 3.2.
FOLDER = rf"(/{PART})+"
"""An absolute path without . and .. in it."""


def is_system_folder(path: str) -> bool:
    """Whether an absolute path is /, or in a folder that the system runs from. `..` and links are not resolved."""
    folder = PurePosixPath(path)
    if any(folder.is_relative_to(each) for each in _DATA):
        return False
    return len(folder.parts) < 2 or any(folder.is_relative_to(each) for each in _SYSTEM)
