"""Why a request had no usable answer."""


class Failed(OSError):
    """A request had no usable answer; the message is one line and quotes nothing of the answer."""

    sent = False
    """Whether the server may have received the request."""


class Unreachable(Failed):
    """Nothing at the address accepted the connection."""


class Untrusted(Failed):
    """The server's certificate is not the expected one, so nothing was sent."""

    def __init__(self, why: str, fingerprint: str = "") -> None:
        super().__init__(f"its certificate is not trusted ({why})")
        self.why = why
        self.fingerprint = fingerprint
        """SHA-256 of the certificate, as hexadecimal digits, if another one is pinned."""


class Late(Failed):
    """The deadline passed before the whole answer was there."""


class TooLarge(Failed):
    """The answer is larger than its limit."""


class Broken(Failed):
    """The connection ended, or the answer is not HTTP."""
