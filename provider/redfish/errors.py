"""The errors of sushy as one line each."""

from collections.abc import Iterator
from contextlib import contextmanager

from sushy import exceptions

from provider.framework import UserError

from .access import Access


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
            f"({_shown(access, error.detail)}); the request follows the Redfish standard; look at the BMC's log, and "
            "for newer firmware"
        ) from None
    except exceptions.InvalidParameterValueError as error:
        raise UserError(
            f"{access.system} of {url} can't {what}: the BMC does not offer it "
            f"({_shown(access, str(error))}); there is no other way; look for newer firmware, or do it by hand"
        ) from None
    except (
        exceptions.SushyError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise UserError(
            f"{url} does not answer as Redfish requires, and {access.system} can't {what} "
            f"({type(error).__name__}); the address may be another device's; check bmc.url with: "
            f"curl -k {url}/redfish/v1/"
        ) from None


def _shown(access: Access, text: str | None) -> str:
    """A BMC's text for a message: cut, and without the credentials, which it may repeat."""
    line = " ".join((text or "no reason given").split())
    for secret in (access.password, access.username):
        line = line.replace(secret, "***") if secret else line
    return line if len(line) <= 120 else line[:119] + "…"
