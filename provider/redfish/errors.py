"""What a BMC says, made safe to show, and the errors of sushy as one line each."""

from collections.abc import Iterator
from contextlib import contextmanager

from sushy import exceptions

from core.printable import SHOWN_CHARACTERS, printable
from provider.framework import UserError

from .access import Access

# What sushy raises, or runs into, on an answer of another shape.
_NOT_REDFISH = (
    exceptions.SushyError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
    RecursionError,
)


class Unanswered(Exception):
    """A request that changes something was sent, and it is unknown whether the BMC carried it out."""


class NoAnswer(Exception):
    """A request had no answer, and may be repeated."""

    def __init__(self, reason: str, late: bool, unreachable: bool) -> None:
        super().__init__(reason)
        self.late = late
        """Whether the deadline passed; another failure may end soon, when a BMC has restarted."""
        self.unreachable = unreachable
        """Whether nothing at the address accepted the connection."""


@contextmanager
def in_one_line(access: Access, what: str) -> Iterator[None]:
    """Raises UserError, in one line, for each error of sushy: its own text may hold a whole response.

    what: the failed operation, after "can't".
    """
    url = access.url.rstrip("/")
    try:
        yield
    except exceptions.AccessError as error:
        if error.status_code == 401:
            raise UserError(
                f"{url} refuses these credentials (HTTP 401); the machine can be neither identified nor "
                "switched; set the right ones with: ./bedplate pulumi config set --secret --path "
                "'bedplate:bmc.password' --stack STACK"
            ) from None
        raise UserError(
            f"{url} accepts this user, but {access.system} can't {what} (HTTP {error.status_code}); "
            "the user's role is too low; give it the role Operator"
        ) from None
    except exceptions.HTTPError as error:
        raise UserError(
            f"{url} answers HTTP {error.status_code}, and {access.system} can't {what} "
            f"({_reason(access, error.detail)}); the request follows the Redfish standard; look at the BMC's log, and "
            "for newer firmware"
        ) from None
    except exceptions.InvalidParameterValueError as error:
        raise UserError(
            f"{access.system} of {url} can't {what}: the BMC does not offer it "
            f"({_reason(access, str(error))}); there is no other way; look for newer firmware, or do it by hand"
        ) from None
    except _NOT_REDFISH as error:
        raise UserError(
            f"{url} does not answer as Redfish requires, and {access.system} can't {what} "
            f"({type(error).__name__}); the address may be another device's; check bmc.url with: "
            f"curl -k {url}/redfish/v1/"
        ) from None


def _reason(access: Access, text: str | None) -> str:
    return shown(access, text or "no reason given", 120)


def shown(access: Access, text: object, limit: int = SHOWN_CHARACTERS) -> str:
    """A BMC's text for a message: printable, cut, and without the credentials, which it may repeat."""
    line = str(text)
    for secret in (access.password, access.username):
        line = line.replace(secret, "***") if secret else line
    return printable(line, limit)


def value(access: Access, text: object) -> str:
    """A value that a BMC reports and that is compared or recorded: printable, cut, and without the password."""
    line = str(text)
    return printable(line.replace(access.password, "***") if access.password else line)
