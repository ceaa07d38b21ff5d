"""What a rehearsal set out to show, and whether it was there."""


class NotShown(RuntimeError):
    """The rehearsal ran, and something it looks for was not there."""


def see(holds: object, what: str) -> None:
    """Raise unless what the rehearsal set out to show is so."""
    if not holds:
        raise NotShown(what)
