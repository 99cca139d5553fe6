"""What staff make of the decline table, the attempt limits and the rebill schedules, over the API."""

from typing import Any

from boss.billing.v1 import decline_service_pb2 as decline_pb
from boss.billing.v1 import rebill_service_pb2 as rebill_pb
from club import ENTERPRISE_ID, request_id

PARENT = f"enterprises/{ENTERPRISE_ID}"


def change(declines: Any, code: str, **values: Any) -> decline_pb.DeclineCode:
    """Change some of what the decline table says of a code."""
    listed = declines.ListDeclineCodes(decline_pb.ListDeclineCodesRequest(parent=PARENT), timeout=5).decline_codes
    wanted = next(one for one in listed if one.code == code)
    for name, value in values.items():
        if name == "decline_fee":
            wanted.decline_fee.CopyFrom(value)
        else:
            setattr(wanted, name, value)
    request = decline_pb.UpdateDeclineCodeRequest(decline_code=wanted, request_id=request_id())
    return declines.UpdateDeclineCode(request, timeout=5)


def set_limit(declines: Any, tender: str, attempts_max: int, window_days: int, per: str = "source") -> None:
    """Set how often a tender may be tried in so many days."""
    limit = decline_pb.AttemptLimit(
        parent=PARENT, tender=tender, per=per, attempts_max=attempts_max, window_days=window_days
    )
    declines.UpdateAttemptLimit(
        decline_pb.UpdateAttemptLimitRequest(attempt_limit=limit, request_id=request_id()), timeout=5
    )


def delete_limit(declines: Any, tender: str, window_days: int, per: str = "source") -> None:
    """Take the enterprise's own limit away."""
    request = decline_pb.DeleteAttemptLimitRequest(
        parent=PARENT, tender=tender, per=per, window_days=window_days, request_id=request_id()
    )
    declines.DeleteAttemptLimit(request, timeout=5)


def set_schedule(rebills: Any, parent: str, *after_days: int, **values: Any) -> rebill_pb.RebillSchedule:
    """Set the rebill schedule of a level."""
    schedule = rebill_pb.RebillSchedule(parent=parent, after_days=after_days, **values)
    request = rebill_pb.UpdateRebillScheduleRequest(rebill_schedule=schedule, request_id=request_id())
    return rebills.UpdateRebillSchedule(request, timeout=5)
