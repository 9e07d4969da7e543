"""What was measured of one check in one stretch: counts over all of it, and the last ten measurements."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from aviary_crds.v1alpha1.gatechecks import Check
from aviary_crds.v1alpha1.gatestatus import KEPT_MEASUREMENTS, CheckState, KeptMeasurement

from aviary_operator.gates.measurement import Measurement

_LARGEST_SHOWN: Final = Decimal("1e40")
_LARGEST_WITH_FRACTION: Final = Decimal("1e15")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRecord:
    """Measurements of ``check`` in the stretch that ``began`` then (``Run.began``); of any other they are void."""

    check: Check
    began: datetime
    passed: int = 0
    failed: int = 0
    inconclusive: int = 0
    errors_in_a_row: int = 0
    newest: Measurement | None = None
    """The newest of all, Pending ones too."""
    newest_value: Measurement | None = None
    """The newest that has a value."""
    newest_failed: Measurement | None = None
    newest_inconclusive: Measurement | None = None
    kept: tuple[KeptMeasurement, ...] = ()


def begin_record(check: Check, *, began: datetime) -> CheckRecord:
    """Return the record of a check that was not measured yet in the stretch that ``began`` then."""
    return CheckRecord(check=check, began=began)


def add_measurement(record: CheckRecord, measurement: Measurement) -> CheckRecord:
    """Return the record with one more measurement. One whose window reaches back before the stretch is Pending.

    Raises:
        ValueError: when it is of another check.
    """
    if measurement.check != record.check.name:
        raise ValueError(f"a measurement of {measurement.check} does not belong to {record.check.name}")
    age = (measurement.time - record.began).total_seconds()
    if age < record.check.window_seconds and measurement.outcome in {CheckState.PASSED, CheckState.FAILED}:
        message = f"the run is {age:.0f} s old, the window is {record.check.window_seconds} s"
        measurement = replace(measurement, outcome=CheckState.PENDING, reason="WindowNotFull", message=message)
    with_value = record.newest_value if measurement.value is None else measurement
    record = replace(record, newest=measurement, newest_value=with_value)
    match measurement.outcome:
        case CheckState.PENDING:
            return record
        case CheckState.PASSED:
            changed = replace(record, passed=record.passed + 1, errors_in_a_row=0)
        case CheckState.FAILED:
            changed = replace(record, failed=record.failed + 1, errors_in_a_row=0, newest_failed=measurement)
        case CheckState.INCONCLUSIVE:
            more = record.inconclusive + 1
            changed = replace(record, inconclusive=more, errors_in_a_row=0, newest_inconclusive=measurement)
        case CheckState.ERRORED:
            changed = replace(record, errors_in_a_row=record.errors_in_a_row + 1)
    kept = KeptMeasurement(
        time=measurement.time.replace(microsecond=0),
        outcome=measurement.outcome,
        value=status_value(measurement.value),
        sha256=measurement.sha256,
    )
    return replace(changed, kept=(*record.kept, kept)[-KEPT_MEASUREMENTS:])


def status_value(value: Decimal | None) -> Decimal | None:
    """Return a value as the status can hold it, twelve digits after the point; None for one too large to write."""
    if value is None or not value.is_finite() or abs(value) >= _LARGEST_SHOWN:
        return None
    if abs(value) >= _LARGEST_WITH_FRACTION:
        return value.to_integral_value()
    return value.quantize(Decimal("1e-12")).normalize() + 0
