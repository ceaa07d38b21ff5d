"""Schedules: five fields, as cron and Kubernetes' CronJobs have them, in UTC."""

from typing import Any, NoReturn

from pydantic import AfterValidator, WithJsonSchema

from .faults import refuse

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 6))
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^ *[0-9*,/-]+( +[0-9*,/-]+){4} *$"})
"""What editors compare a schedule with."""


def schedule(most_per_hour: int, why: str, never: str, example: str) -> AfterValidator:
    """The check of a schedule, for a field of the model.

    most_per_hour: how often it may run in an hour; why: why not more often. never: what would never be, of a schedule
    without any day. example: a schedule.
    """
    instead = f'write e.g. "{example}"'

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        # Not split(): a line break is no blank to whoever reads the job.
        fields = [field for field in value.split(" ") if field]
        if len(fields) != len(_FIELDS):
            refuse(
                f"has {len(fields)} field{'' if len(fields) == 1 else 's'} instead of five",
                "a schedule consists of minute, hour, day of the month, month and day of the week, in UTC",
                instead,
            )
        minutes, _, days, months, _ = (_values(field, of, instead) for field, of in zip(fields, _FIELDS, strict=True))
        if len(minutes) > most_per_hour:
            refuse(f"runs {len(minutes)} times an hour", why, _fewer(most_per_hour, example))
        # Where the day of the week is restricted too, cron runs on either of the two days.
        if fields[4] == "*" and not any(day <= _DAYS[month - 1] for month in months for day in days):
            refuse("names a date that no year has", f"no {never}", instead)
        return value

    return AfterValidator(check)


def _fewer(most: int, example: str) -> str:
    if most == 1:
        return f'name one minute, e.g. "{example}"'
    return f'name at most {most} minutes, e.g. "*/{60 // most} * * * *"'


def _values(field: str, of: tuple[str, int, int], instead: str) -> set[int]:
    """The numbers that a field of cron stands for."""
    name, first, last = of
    values: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        low, dash, high = (str(first), "-", str(last)) if span == "*" else span.partition("-")
        # 5/10 means 5, 15 and so on up to the end.
        high = high if dash else str(last) if slash else low
        if not all(text.isdecimal() and text.isascii() for text in (low, high, step or "1")) or (slash and not step):
            why = "a field is *, a number, a range, or one of these with a step; names are not allowed"
            _refuse_part(part, name, why, instead)
        if not first <= int(low) <= int(high) <= last or int(step or 1) < 1:
            why = f"values are {first} to {last}, the lower one first, in steps of at least 1"
            _refuse_part(part, name, why, instead)
        values |= set(range(int(low), int(high) + 1, int(step or 1)))
    return values


def _refuse_part(part: str, name: str, why: str, instead: str) -> NoReturn:
    refuse(f"{part!r} is not a valid {name}" if len(part) <= 20 else f"contains an invalid {name}", why, instead)
