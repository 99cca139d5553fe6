"""Who may set ARM up, and in which order (SPEC ARM-1, ARM-2, ARM-3)."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from arm_facts import AUSTIN, DENVER, ENTERPRISE, Club, account, unit_name, usd
from boss.arm.v1 import configuration_service_pb2 as pb
from boss.arm.v1 import cycle_service_pb2 as cycle_pb

from boss_arm.configuration.rules import PLACEHOLDERS
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied

TOP = f"enterprises/{ENTERPRISE}"


def schedule_request(template: str, **changes: Any) -> pb.CreateScheduleRequest:
    line = {"channel": "Email", "template": template, "description": "First email", "active": True} | changes
    return pb.CreateScheduleRequest(
        parent=unit_name(), schedule=pb.Schedule(lines=[pb.ScheduleLine(**line)]), request_id=str(uuid4())
    )


CALLS: dict[str, Callable[[Any], Any]] = {
    "GetArmSettings": lambda api: api.configuration.GetArmSettings(pb.GetArmSettingsRequest(business_unit=unit_name())),
    "UpdateArmSettings": lambda api: api.settings(),
    "CreateTemplate": lambda api: api.template(),
    "CreateTemplate of the enterprise": lambda api: api.template(parent=TOP),
    "ListTemplates": lambda api: api.configuration.ListTemplates(pb.ListTemplatesRequest(parent=unit_name())),
    "CreateSchedule": lambda api: api.configuration.CreateSchedule(
        schedule_request(f"{unit_name()}/templates/{uuid4()}")
    ),
    "GetSchedule": lambda api: api.configuration.GetSchedule(pb.GetScheduleRequest(parent=unit_name())),
    "AddToArm": lambda api: api.add("S1"),
    "RemoveFromArm": lambda api: api.remove("S1"),
    "GetArmSummary": lambda api: api.summary("S1"),
    "ListArmHistory": lambda api: api.history("S1"),
    "GetArmStatistics": lambda api: api.cycles.GetArmStatistics(cycle_pb.GetArmStatisticsRequest(parent=unit_name())),
}


@pytest.mark.parametrize("name", CALLS)
def test_arm_1_every_call_says_so_while_it_is_off(api: Any, name: str) -> None:
    with pytest.raises(FailedPrecondition) as off:
        CALLS[name](api)
    assert off.value.reason == "ARM_NOT_ENABLED"
    assert "platform operator" in off.value.message


@pytest.mark.parametrize("role", ["club_manager", "controller", "service", "front_desk"])
def test_arm_1_only_the_platform_operator_switches_it_on(api: Any, make_api: Any, tokens: Any, role: str) -> None:
    token = tokens.signer("billing").token("arm") if role == "service" else tokens.token("mia", [role], [TOP])
    with pytest.raises(PermissionDenied):
        make_api(token).enable()
    assert api.enable().enabled
    assert not api.enable(enabled=False).enabled


def test_arm_1_an_unknown_unit_is_not_switched_on(api: Any) -> None:
    with pytest.raises(NotFound) as unknown:
        api.enable(AUSTIN)
    assert unknown.value.reason == "BUSINESS_UNIT_NOT_FOUND"


def test_arm_2_a_step_out_of_order_is_refused_with_the_missing_one_named(api: Any) -> None:
    api.enable()
    with pytest.raises(FailedPrecondition) as no_settings:
        api.template()
    with pytest.raises(FailedPrecondition) as no_settings_either:
        api.configuration.CreateSchedule(schedule_request(f"{unit_name()}/templates/{uuid4()}"))
    api.settings()
    with pytest.raises(FailedPrecondition) as no_template:
        api.configuration.CreateSchedule(schedule_request(f"{unit_name()}/templates/{uuid4()}"))
    reasons = [error.value.reason for error in (no_settings, no_settings_either, no_template)]
    assert reasons == ["ARM_SETTINGS_MISSING", "ARM_SETTINGS_MISSING", "ARM_TEMPLATE_MISSING"]
    assert api.notifications.asked == [], "nothing was made anywhere"
    assert api.configuration.CreateSchedule(schedule_request(api.template().name)).version == 1


def test_arm_2_settings_keep_what_was_set_and_fill_in_the_defaults(api: Any) -> None:
    api.enable()
    made = api.settings(cards_only=True, hand_over_agency="Example Recovery", hand_over_after_days=40)
    assert made == api.configuration.GetArmSettings(pb.GetArmSettingsRequest(business_unit=unit_name()))
    assert (made.no_response_days, made.retry_limit, made.enabled, made.cards_only) == (7, 3, True, True)
    assert list(made.return_address_lines) == ["Denver Club", "1600 Glenarm Pl"]
    assert api.settings(no_response_days=5, retry_limit=1).no_response_days == 5


def test_arm_2_a_send_window_without_hours_is_refused(api: Any) -> None:
    api.enable()
    with pytest.raises(InvalidArgument) as refused:
        api.settings(send_from_hour=9, send_until_hour=9)
    assert [found.field for found in refused.value.violations] == ["settings.send_until_hour"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"caller_number": "call me"}, "settings.caller_number"),
        ({"caller_number": "12345"}, "settings.caller_number"),
        ({"caller_number": "+1 303 555 0130 0130 0130"}, "settings.caller_number"),
        ({"return_address_lines": ["Denver Club", " "]}, "settings.return_address_lines[1]"),
        ({"return_address_lines": ["Denver\nClub"]}, "settings.return_address_lines[0]"),
        ({"return_address_lines": ["x" * 201]}, "settings.return_address_lines[0]"),
        ({"hand_over_agency": "x" * 201}, "settings.hand_over_agency"),
    ],
)
def test_arm_2_settings_that_no_call_or_letter_can_use_are_refused(
    api: Any, changes: dict[str, Any], field: str
) -> None:
    api.enable()
    with pytest.raises(InvalidArgument) as refused:
        api.settings(**changes)
    assert [found.field for found in refused.value.violations] == [field]


@pytest.mark.parametrize("number", ["+1 703 555 0110", "(303) 555-0100", "303.555.0100", "+49 30 901820"])
def test_arm_2_a_caller_number_is_written_as_people_write_it(api: Any, number: str) -> None:
    api.enable()
    assert api.settings(caller_number=number).caller_number == number


def test_not_3_notifications_makes_the_template_and_knows_every_placeholder(api: Any) -> None:
    api.enable()
    api.settings()
    made = api.template("Letter", subject="Past due", body="Dear {{ first_name }}")
    (asked,) = api.notifications.asked
    assert (asked.parent, asked.template.channel, asked.template.body) == (TOP, "Letter", "Dear {{ first_name }}")
    assert tuple(asked.template.placeholders) == PLACEHOLDERS
    assert made.notification_template == f"{TOP}/templates/{asked.request_id}"


def test_all_3_a_repeated_template_is_one_template_here_and_there(api: Any) -> None:
    api.enable()
    api.settings()
    template = pb.Template(channel="Email", display_name="First", subject="Hello", body="Hello")
    request = pb.CreateTemplateRequest(parent=unit_name(), template=template, request_id=str(uuid4()))
    assert api.configuration.CreateTemplate(request) == api.configuration.CreateTemplate(request)
    assert len({asked.request_id for asked in api.notifications.asked}) == 1
    listed = api.configuration.ListTemplates(pb.ListTemplatesRequest(parent=unit_name()))
    assert len(listed.templates) == 1


def test_arm_2_templates_are_inherited_downward_only(club: Club, api: Any) -> None:
    club.unit(AUSTIN, "Austin Club")
    for unit in (DENVER, AUSTIN):
        api.enable(unit)
        api.settings(unit)
    top, denver = api.template(parent=TOP).name, api.template(parent=unit_name(DENVER)).name

    def listed(parent: str, *, selectable: bool) -> list[str]:
        request = pb.ListTemplatesRequest(parent=parent, selectable=selectable)
        return [template.name for template in api.configuration.ListTemplates(request).templates]

    assert listed(unit_name(DENVER), selectable=False) == [denver]
    assert sorted(listed(unit_name(DENVER), selectable=True)) == sorted([top, denver])
    assert listed(unit_name(AUSTIN), selectable=True) == [top]
    assert listed(TOP, selectable=True) == [top]
    request = schedule_request(denver)
    request.parent = unit_name(AUSTIN)
    with pytest.raises(InvalidArgument) as sibling:
        api.configuration.CreateSchedule(request)
    assert [found.field for found in sibling.value.violations] == ["schedule.lines[0].template"]
    request = schedule_request(top)
    request.parent = unit_name(AUSTIN)
    assert api.configuration.CreateSchedule(request).lines[0].template == top


def test_arm_2_a_units_manager_may_choose_a_template_of_the_enterprise(ready: Any, make_api: Any, tokens: Any) -> None:
    top = ready.template(parent=TOP).name
    manager = make_api(tokens.token("mia", ["club_manager"], [unit_name()]))
    assert manager.configuration.CreateSchedule(schedule_request(top)).lines[0].template == top
    with pytest.raises(PermissionDenied):
        manager.template(parent=TOP)
    with pytest.raises(PermissionDenied) as sibling:
        manager.configuration.CreateSchedule(schedule_request(f"{unit_name(AUSTIN)}/templates/{uuid4()}"))
    assert sibling.value.reason == "NODE_NOT_COVERED"


def test_all_3_templates_are_paged(ready: Any) -> None:
    names, token = [], ""
    while True:
        request = pb.ListTemplatesRequest(parent=unit_name(), page_size=2, page_token=token)
        page = ready.configuration.ListTemplates(request)
        names += [template.name for template in page.templates]
        token = page.next_page_token
        if not token:
            break
    assert len(names) == len(set(names)) == 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"channel": "Phone"}, "schedule.lines[0].channel"),
        ({"description": " "}, "schedule.lines[0].description"),
        ({"description": "two\nlines"}, "schedule.lines[0].description"),
        ({"past_due_min": usd(-100)}, "schedule.lines[0].past_due_min"),
        ({"past_due_min": usd(500), "past_due_max": usd(400)}, "schedule.lines[0].past_due_max"),
    ],
)
def test_arm_3_a_line_that_can_not_be_is_refused_by_field(ready: Any, changes: dict[str, Any], field: str) -> None:
    template = ready.template("Email").name
    with pytest.raises(InvalidArgument) as refused:
        ready.configuration.CreateSchedule(schedule_request(template, **changes))
    assert [found.field for found in refused.value.violations] == [field]


def test_arm_3_a_threshold_in_another_currency_is_refused(ready: Any) -> None:
    request = schedule_request(ready.template("Email").name)
    request.schedule.lines[0].past_due_min.currency_code = "EUR"
    with pytest.raises(InvalidArgument) as refused:
        ready.configuration.CreateSchedule(request)
    assert "USD" in refused.value.message


def test_arm_3_each_schedule_is_a_new_version(ready: Any) -> None:
    made = ready.schedule([("Letter", 3, 500)])
    assert made.version == 2
    assert ready.configuration.GetSchedule(pb.GetScheduleRequest(parent=unit_name())) == made
    line = made.lines[0]
    assert (line.channel, line.day_offset, line.past_due_min.units, line.active) == ("Letter", 3, 5, True)
    assert not line.HasField("past_due_max")


def test_arm_3_without_a_schedule_there_is_none_to_read(api: Any) -> None:
    api.enable()
    with pytest.raises(NotFound) as missing:
        CALLS["GetSchedule"](api)
    assert missing.value.reason == "SCHEDULE_NOT_FOUND"


def test_arm_1_a_manager_sees_only_the_accounts_of_the_covered_unit(
    club: Club, ready: Any, make_api: Any, tokens: Any
) -> None:
    club.unit(AUSTIN, "Austin Club")
    ready.enable(AUSTIN)
    club.declines("S1")
    manager = make_api(tokens.token("mia", ["club_manager"], [unit_name(AUSTIN)]))
    with pytest.raises(PermissionDenied):
        manager.summary("S1")
    request = cycle_pb.GetArmSummaryRequest(account=account("S1", AUSTIN))
    assert manager.cycles.GetArmSummary(request).status == "Not in ARM"
    history = cycle_pb.ListArmHistoryRequest(parent=account("S1", AUSTIN))
    assert list(manager.cycles.ListArmHistory(history).arm_activities) == []
    for call, message in ((manager.cycles.AddToArm, cycle_pb.AddToArmRequest),):
        with pytest.raises(FailedPrecondition):
            call(message(account=account("S1", AUSTIN), request_id=str(uuid4())))
    with pytest.raises(FailedPrecondition) as not_there:
        remove = cycle_pb.RemoveFromArmRequest(account=account("S1", AUSTIN), confirmed=True, request_id=str(uuid4()))
        manager.cycles.RemoveFromArm(remove)
    assert not_there.value.reason == "NOT_IN_ARM"
    assert ready.summary("S1").status == "Active"
