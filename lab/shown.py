"""What a rehearsal set out to show, and whether it was there."""


class NotShown(RuntimeError):
    """The rehearsal ran, and something it looks for was not there."""


def see(holds: object, what: str) -> None:
    """Raises NotShown with `what` unless the rehearsal shows what it set out to show."""
    if not holds:
        raise NotShown(what)
