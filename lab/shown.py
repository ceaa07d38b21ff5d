"""The assertions of a rehearsal."""


class NotShown(RuntimeError):
    """An assertion of a rehearsal failed."""


def see(holds: object, what: str) -> None:
    """Raises NotShown with `what`, the description of the failure, unless `holds` is true."""
    if not holds:
        raise NotShown(what)
