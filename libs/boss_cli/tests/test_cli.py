"""What `boss` prints, asks and sends."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from boss.agreements.v1 import (
    definition_service_pb2,
    definition_service_pb2_grpc,
    member_service_pb2,
    member_service_pb2_grpc,
    setting_service_pb2,
    setting_service_pb2_grpc,
)
from boss.arm.v1 import cycle_service_pb2, cycle_service_pb2_grpc
from boss.billing.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    bill_run_service_pb2,
    bill_run_service_pb2_grpc,
)
from boss.collections.v1 import collections_service_pb2, collections_service_pb2_grpc
from boss.events.agreements.v1 import agreements_events_pb2
from boss.events.v1 import event_pb2
from boss.platform.v1 import (
    clock_service_pb2,
    clock_service_pb2_grpc,
    parked_event_service_pb2,
    parked_event_service_pb2_grpc,
    task_service_pb2,
    task_service_pb2_grpc,
    timeline_service_pb2,
    timeline_service_pb2_grpc,
)
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2, money_pb2
from stand_ins import ACCOUNT, ENTERPRISE, Accounts, Cli, Members, stand_in

from boss_cli.clients import SERVICES
from boss_cli.club_file import COLUMNS
from boss_kit.errors import FailedPrecondition, FieldViolation, InvalidArgument, NotFound

NOON = Timestamp(seconds=int(datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()))
DAY = date_pb2.Date(year=2026, month=3, day=10)


def usd(units: int) -> money_pb2.Money:
    return money_pb2.Money(currency_code="USD", units=units)


def clock(service: str, **counts: int) -> Any:
    response = clock_service_pb2.GetStatusResponse(service=service, time=NOON, **counts)
    return stand_in(clock_service_pb2_grpc, "ClockService", GetStatus=lambda _: response)


def known_account(number: str = "M1", name: str = ACCOUNT) -> Any:
    """Let billing know one account."""

    def find(request: Any) -> Any:
        found = [account_service_pb2.Account(name=name, number=number)] if request.number == number else []
        return account_service_pb2.ListAccountsResponse(accounts=found)

    return stand_in(account_service_pb2_grpc, "AccountService", ListAccounts=find)


def story(service: str, *lines: tuple[int, int, str]) -> Any:
    """Tell lines of (day, hour, text), two a page."""

    def tell(request: Any) -> Any:
        assert request.parent == ACCOUNT
        start = int(request.page_token or 0)
        entries = [
            timeline_service_pb2.TimelineEntry(
                business_date=date_pb2.Date(year=2026, month=3, day=day),
                create_time=Timestamp(seconds=int(datetime(2026, 3, day, hour, tzinfo=UTC).timestamp())),
                service=service,
                text=text,
            )
            for day, hour, text in lines[start : start + 2]
        ]
        token = str(start + 2) if start + 2 < len(lines) else ""
        return timeline_service_pb2.ListTimelineEntriesResponse(timeline_entries=entries, next_page_token=token)

    return stand_in(timeline_service_pb2_grpc, "TimelineService", ListTimelineEntries=tell)


def test_status_shows_all_five_and_ends_well(cli: Cli) -> None:
    for number, service in enumerate(SERVICES):
        cli.add(service, clock(service, outbox_events=number, parked_events=7))
    result = cli.run("status")
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()[1:]]
    assert lines == [[s, "yes", "2026-03-10", "12:00:00", str(n), "0", "0", "0", "7"] for n, s in enumerate(SERVICES)]


def test_status_counts_the_events_that_a_service_has_yet_to_process(cli: Cli) -> None:
    def counts(producer: str, *events: int) -> list[clock_service_pb2.StreamCount]:
        streams = enumerate(events)
        return [clock_service_pb2.StreamCount(producer=producer, partition=p, events=n) for p, n in streams]

    cli.add("billing", clock("billing", published=counts("billing", 5, 7)))
    cli.add("arm", clock("arm", published=counts("arm", 2), processed=counts("billing", 5, 3)))
    cli.add("notifications", clock("notifications"))
    lines = [line.split() for line in cli.run("status").stdout.splitlines()[1:]]
    behind = {line[0]: line[5] for line in lines if line[1] == "yes"}
    # Notifications doesn't subscribe to billing; agreements, from which all hear, is away.
    assert behind == {"billing": "0", "arm": "4", "notifications": "2"}


def test_all_4_status_says_which_service_is_down_and_shows_the_others(cli: Cli) -> None:
    cli.add("billing", clock("billing"))
    result = cli.run("status")
    assert result.exit_code == 1
    assert [line.split()[:2] for line in result.stdout.splitlines()[1:]] == [
        [service, "yes" if service == "billing" else "no"] for service in SERVICES
    ]
    assert "arm can't be reached. Is it running, and is BOSS_ARM_ADDRESS right?" in result.stderr


def test_all_2_the_timeline_is_one_story_of_all_five_by_day_and_time(cli: Cli) -> None:
    told = {
        "agreements": story("agreements", (1, 9, "signed"), (4, 9, "frozen")),
        "billing": story("billing", (2, 9, "billed"), (2, 11, "declined"), (5, 8, "paid")),
        "arm": story("arm", (2, 12, "entered"), (5, 8, "left")),
        "notifications": story("notifications", (2, 13, "emailed")),
        "collections": story("collections", (3, 9, "handed over")),
    }
    for service, servicer in told.items():
        cli.add(service, servicer, *([known_account()] if service == "billing" else []))
    result = cli.run("timeline", "M1")
    assert result.exit_code == 0, result.output
    assert [line.split(maxsplit=2)[2].strip() for line in result.stdout.splitlines()[1:]] == [
        "signed",
        "billed",
        "declined",
        "entered",
        "emailed",
        "handed over",
        "frozen",
        "paid",
        "left",
    ]


def test_all_4_the_timeline_names_the_service_whose_part_is_missing(cli: Cli) -> None:
    cli.add("billing", known_account(), story("billing", (2, 9, "billed")))
    result = cli.run("timeline", "M1")
    assert result.exit_code == 1
    assert "billed" in result.stdout
    assert "What arm knows is missing: arm can't be reached." in result.stderr


def test_all_4_an_account_is_found_through_agreements_while_billing_is_down(cli: Cli) -> None:
    member = member_service_pb2.Member(account=ACCOUNT)
    answer = member_service_pb2.ListMembersResponse(members=[member])
    members = stand_in(member_service_pb2_grpc, "MemberService", ListMembers=lambda _: answer)
    cli.add("agreements", members, story("agreements", (1, 9, "signed")))
    result = cli.run("timeline", "M1")
    assert "signed" in result.stdout
    assert "What billing knows is missing" in result.stderr


def test_an_unknown_account_is_one_sentence(cli: Cli) -> None:
    cli.add("billing", known_account())
    result = cli.run("arm", "summary", "M2")
    assert (result.exit_code, result.stderr) == (1, "There is no account 'M2' in this enterprise.\n")


def parked_events(**answers: Any) -> Any:
    fact = agreements_events_pb2.MemberChanged(
        external_id="M1",
        last_name="Silva",
        contacts=[agreements_events_pb2.Contact(label="cell", value="+17205550100", address_lines=["1 Elm St"])],
    )
    event = event_pb2.Event(
        source="agreements", type="boss.agreements.member.v1.changed", business_date=DAY, data=fact.SerializeToString()
    )
    parked = parked_event_service_pb2.ParkedEvent(parked_event_id=5, event=event, error="boom\x1b[2J", create_time=NOON)
    listed = parked_event_service_pb2.ListParkedEventsResponse(parked_events=[parked])
    methods = {"ListParkedEvents": lambda _: listed, "GetParkedEvent": lambda _: parked, **answers}
    return stand_in(parked_event_service_pb2_grpc, "ParkedEventService", **methods)


def test_parked_list_shows_why_and_no_control_characters(cli: Cli) -> None:
    cli.add("arm", parked_events())
    result = cli.run("parked", "list", "arm")
    assert result.stdout.splitlines()[1].split()[:3] == ["5", "agreements", "boss.agreements.member.v1.changed"]
    assert "boom\\x1b[2J" in result.stdout


def test_parked_show_hides_personal_data_unless_asked(cli: Cli) -> None:
    cli.add("arm", parked_events())
    hidden = cli.run("parked", "show", "arm", "5").stdout
    assert '"external_id": "M1"' in hidden
    assert not any(personal in hidden for personal in ("Silva", "+17205550100", "Elm"))
    shown = cli.run("parked", "show", "arm", "5", "--personal").stdout
    assert all(personal in shown for personal in ("Silva", "+17205550100", "1 Elm St"))


def test_parked_replay_tells_how_far_it_got_and_what_stopped_it(cli: Cli) -> None:
    answer = parked_event_service_pb2.ReplayParkedEventResponse(replayed_events=2, error="still wrong")
    cli.add("arm", parked_events(ReplayParkedEvent=lambda _: answer))
    result = cli.run("parked", "replay", "arm", "5")
    assert (result.exit_code, result.stdout) == (1, "2 events went through.\n")
    assert "The next one failed again: still wrong" in result.stderr


def test_parked_drop_asks_first(cli: Cli) -> None:
    dropped: list[Any] = []

    def drop(request: Any) -> Any:
        dropped.append(request.parked_event_id)
        return parked_event_service_pb2.DropParkedEventResponse()

    cli.add("arm", parked_events(DropParkedEvent=drop))
    assert cli.run("parked", "drop", "arm", "5", answers="n\n").exit_code == 1
    assert dropped == []
    assert cli.run("parked", "drop", "arm", "5", answers="y\n").exit_code == 0
    assert cli.run("parked", "drop", "arm", "6", "--yes").exit_code == 0
    assert dropped == [5, 6]


def test_tasks_are_listed_by_state(cli: Cli) -> None:
    def tasks(request: Any) -> Any:
        assert request.state == task_service_pb2.Task.STATE_FAILED
        task = task_service_pb2.Task(
            task="bill-run-shard", key="k1", state=request.state, attempts=3, error="no", business_date=DAY
        )
        return task_service_pb2.ListTasksResponse(tasks=[task])

    cli.add("billing", stand_in(task_service_pb2_grpc, "TaskService", ListTasks=tasks))
    result = cli.run("tasks", "list", "billing", "--state", "failed")
    assert result.stdout.splitlines()[1].split() == ["bill-run-shard", "k1", "failed", "3", "2026-03-10", "no"]
    assert "there are: pending, done, failed" in cli.run("tasks", "list", "billing", "--state", "lost").stderr


def test_a_refusal_is_one_sentence_with_its_reason(cli: Cli) -> None:
    def refuse(_: Any) -> Any:
        raise FailedPrecondition("TASK_NOT_FAILED", "Only a task that has failed can be taken up again.")

    cli.add("billing", stand_in(task_service_pb2_grpc, "TaskService", RetryTask=refuse))
    result = cli.run("tasks", "retry", "billing", "0190b5a2-7c1e-7d3a-9f00-3a5b6c7d8e9f")
    assert result.exit_code == 1
    assert result.stderr == "Only a task that has failed can be taken up again. [TASK_NOT_FAILED]\n"


def test_a_wrong_field_is_named_with_the_way_out(cli: Cli) -> None:
    def refuse(_: Any) -> Any:
        violations = [FieldViolation("job", "must not be empty."), FieldViolation("parent", "is no enterprise.")]
        raise InvalidArgument("INVALID_FIELD", "The request is wrong.", violations=violations)

    cli.add("arm", stand_in(task_service_pb2_grpc, "TaskService", RunJob=refuse))
    result = cli.run("jobs", "run", "arm", "daily-run", "--date", "2026-03-10")
    assert result.stderr == "The request is wrong. job: must not be empty. parent: is no enterprise. [INVALID_FIELD]\n"


def test_a_job_is_asked_for_by_enterprise_and_date(cli: Cli) -> None:
    asked: list[Any] = []

    def run(request: Any) -> Any:
        asked.append(request)
        return task_service_pb2.RunJobResponse(task=task_service_pb2.Task(task="daily-run", state=1))

    cli.add("arm", stand_in(task_service_pb2_grpc, "TaskService", RunJob=run))
    result = cli.run("jobs", "run", "arm", "daily-run", "--date", "2026-03-10")
    assert result.exit_code == 0, result.output
    assert (asked[0].job, asked[0].parent, asked[0].business_date) == ("daily-run", f"enterprises/{ENTERPRISE}", DAY)


def test_the_token_is_the_persons_own(cli: Cli, tmp_path: Path) -> None:
    cli.add("billing", clock("billing"))
    assert "billing can't" not in cli.run("status").stderr
    Path(cli.environ["BOSS_TOKEN_FILE"]).write_text("not a token")
    assert "The token is refused" in cli.run("status").stderr
    missing = cli.run("--token-file", str(tmp_path / "none"), "parked", "list", "billing").stderr
    assert missing.endswith("none can't be read: No such file or directory. Set BOSS_TOKEN_FILE.\n")


def test_no_token_and_no_enterprise_say_what_to_set(cli: Cli) -> None:
    del cli.environ["BOSS_TOKEN_FILE"]
    assert "set BOSS_TOKEN_FILE" in cli.run("parked", "list", "billing").stderr
    cli.environ["BOSS_ENTERPRISE"] = "acme"
    assert "'acme' is no enterprise's UUID; set BOSS_ENTERPRISE" in cli.run("debtors").stderr


def test_an_unknown_service_is_answered_with_those_there_are(cli: Cli) -> None:
    assert "there are: agreements, billing, arm, notifications, collections" in cli.run("tasks", "list", "bill").stderr


def test_import_prints_what_was_refused_and_counts(cli: Cli, tmp_path: Path) -> None:
    members, accounts = Members(), Accounts()
    members.refuses = {"M2": ("price", "'thirty' is not a number; write it like 35.00.")}
    accounts.taken["M3"] = members.taken["M3"] = None
    cli.add("agreements", lambda server: member_service_pb2_grpc.add_MemberServiceServicer_to_server(members, server))
    cli.add("billing", lambda server: account_service_pb2_grpc.add_AccountServiceServicer_to_server(accounts, server))
    file = tmp_path / "club.csv"
    row = "," * (len(COLUMNS) - 1)
    file.write_text("\n".join([",".join(COLUMNS), f"M1{row}", f"M2{row}", f"M3{row}"]))
    result = cli.run("import", str(file))
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[1].rstrip().split(maxsplit=3) == [
        "2",
        "M2",
        "price",
        "'thirty' is not a number; write it like 35.00.",
    ]
    assert result.stdout.endswith("3 records: 1 imported, 1 were there already, 1 refused.\n")
    assert members.messages[0].parent == f"enterprises/{ENTERPRISE}"


def test_import_of_a_file_that_is_no_clubs_ends_with_its_columns(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "club.csv"
    file.write_text("name,price\n")
    result = cli.run("import", str(file))
    assert result.exit_code == 1
    assert "not known: name" in result.stderr.replace("\n", " ")


def test_arm_summary_and_history_are_tables(cli: Cli) -> None:
    found = cycle_service_pb2.ArmSummary(
        status="Active", sent_date=DAY, days_in_arm=4, sent_balance=usd(59), invalid_contacts=["Phone (cell)"]
    )
    line = cycle_service_pb2.ArmActivity(cycle_number=1, type="Letter", activity_date=DAY, activity="First letter")

    def history(request: Any) -> Any:
        assert request.include_suspension_activity
        return cycle_service_pb2.ListArmHistoryResponse(arm_activities=[line])

    cycles = stand_in(cycle_service_pb2_grpc, "CycleService", GetArmSummary=lambda _: found, ListArmHistory=history)
    cli.add("arm", cycles)
    cli.add("billing", known_account())
    shown = cli.run("arm", "summary", "M1").stdout
    assert "59.00 USD" in shown
    assert "Phone (cell)" in shown
    assert "First letter" in cli.run("arm", "history", "M1", "--suspensions").stdout


def test_arm_5_remove_shows_the_services_warning_and_asks(cli: Cli) -> None:
    def remove(request: Any) -> Any:
        if not request.confirmed:
            raise FailedPrecondition("CONFIRMATION_REQUIRED", "All letters stop.")
        return cycle_service_pb2.ArmSummary(status="Not in ARM")

    cli.add("arm", stand_in(cycle_service_pb2_grpc, "CycleService", RemoveFromArm=remove))
    cli.add("billing", known_account())
    refused = cli.run("arm", "remove", "M1", answers="n\n")
    assert (refused.exit_code, "All letters stop. Go on?" in refused.output) == (1, True)
    assert "Not in ARM" in cli.run("arm", "remove", "M1", answers="y\n").stdout
    assert "Not in ARM" in cli.run("arm", "remove", "M1", "--yes").stdout


def test_arm_add_shows_why_it_is_refused(cli: Cli) -> None:
    def refuse(_: Any) -> Any:
        raise FailedPrecondition("NO_PAST_DUE_BALANCE", "Nothing is past due.")

    cli.add("arm", stand_in(cycle_service_pb2_grpc, "CycleService", AddToArm=refuse))
    cli.add("billing", known_account())
    result = cli.run("arm", "add", "M1")
    assert (result.exit_code, result.stderr) == (1, "Nothing is past due. [NO_PAST_DUE_BALANCE]\n")


def test_col_1_debtors_pass_every_filter_on_and_show_the_invoices(cli: Cli) -> None:
    asked: list[Any] = []
    invoice = collections_service_pb2.OpenInvoice(number="I-7", balance=usd(59))
    debtor = collections_service_pb2.Debtor(
        number="M1", display_name="[bold]Zoë", balance=usd(59), days_past_due=3, in_arm=True, open_invoices=[invoice]
    )

    def listed(request: Any) -> Any:
        asked.append(collections_service_pb2.ListDebtorsRequest.FromString(request.SerializeToString()))
        return collections_service_pb2.ListDebtorsResponse(debtors=[debtor], next_page_token="more")

    cli.add("collections", stand_in(collections_service_pb2_grpc, "CollectionsService", ListDebtors=listed))
    options = "--as-of 2026-03-10 --days-min 1 --days-max 9 --balance-min 5.50 --stage Pending --not-in-arm --limit 3"
    result = cli.run("debtors", *options.split(), "--unit", "Denver Club", "--status", "Active")
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 5
    assert result.stdout.endswith("More debtors exist: these are the first 3; --limit shows more.\n")
    assert all(text in result.stdout for text in ("[bold]Zoë", "59.00 USD", "I-7 59.00 USD", "yes"))
    first = asked[0]
    assert (first.as_of_date, first.days_past_due_min, first.days_past_due_max) == (DAY, 1, 9)
    assert (first.balance_min.units, first.balance_min.nanos, first.HasField("balance_max")) == (5, 500_000_000, False)
    assert (first.stage, first.in_arm, first.agreement_status) == ("Pending", False, "Active")
    assert first.parent.startswith(f"enterprises/{ENTERPRISE}/businessUnits/")
    assert [request.page_token for request in asked] == ["", "more", "more", "more"]


def test_an_amount_that_is_none_is_refused_by_its_option(cli: Cli) -> None:
    assert "--balance-min: 'lots' is not a number" in cli.run("debtors", "--balance-min", "lots").stderr


def test_bil_1_run_start_can_stay_until_it_is_done(cli: Cli) -> None:
    run = bill_run_service_pb2.BillRun(name="enterprises/e/billRuns/r", bill_date=DAY, state=1, shards=2)
    done = bill_run_service_pb2.BillRun(
        name=run.name, bill_date=DAY, state=3, shards=2, shards_done=2, invoices=1200, amounts_invoiced=[usd(40_000)]
    )
    watched: list[str] = []

    def watch(request: Any) -> Any:
        watched.append(request.name)
        yield run
        yield done

    runs = stand_in(bill_run_service_pb2_grpc, "BillRunService", StartBillRun=lambda _: run, WatchBillRun=watch)
    cli.add("billing", runs)
    assert "billing" in cli.run("run", "start", "--date", "2026-03-10").stdout
    shown = cli.run("run", "start", "--date", "2026-03-10", "--watch").stdout
    assert "submitted" in shown
    assert "1,200, 40,000.00 USD" in shown
    assert watched == [run.name]


def test_bil_1_run_watch_says_when_there_is_no_such_run(cli: Cli) -> None:
    def none(_: Any) -> Any:
        raise NotFound("BILL_RUN_NOT_FOUND", "There is no such run.")

    cli.add("billing", stand_in(bill_run_service_pb2_grpc, "BillRunService", WatchBillRun=none))
    result = cli.run("run", "watch", "enterprises/e/billRuns/r")
    assert (result.exit_code, "There is no such run" in result.stderr) == (1, True)


@pytest.mark.parametrize("command", [["--help"], ["arm", "--help"], ["run", "start", "--help"]])
def test_every_command_explains_itself(cli: Cli, command: list[str]) -> None:
    assert cli.run(*command).exit_code == 0


def test_spec_0_settings_show_which_level_decided(cli: Cli) -> None:
    pb = setting_service_pb2
    found = [
        pb.EffectiveSetting(key="recent_member_months", value="6", level="enterprises/e/divisions/d"),
        pb.EffectiveSetting(key="invoice_footer_text", level="enterprises/e", initial=True),
    ]
    listed = stand_in(
        setting_service_pb2_grpc,
        "SettingService",
        ListEffectiveSettings=lambda request: pb.ListEffectiveSettingsResponse(settings=found),
    )
    cli.add("agreements", listed)
    result = cli.run("settings", "--unit", "Denver Club")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[1].split() == ["recent_member_months", "6", "divisions"]
    assert "nobody yet" in result.stdout


def test_agr_1_offers_show_what_a_unit_sells_with_prices_and_taxes(cli: Cli) -> None:
    pb = definition_service_pb2
    item = pb.SellableItem(
        display_name="Towels", quantity=2, price=usd(35), taxes=[pb.TaxRate(display_name="Sales tax", percent="8.25")]
    )
    part = pb.SellablePart(display_name="Gold", required="Select One", billing="perpetual", items=[item])
    sold = pb.SellableDefinition(display_name="Gold Monthly", agreement_type="Membership", parts=[part])
    answers = [pb.ListSellableDefinitionsResponse(definitions=[sold]), pb.ListSellableDefinitionsResponse()]
    listed = stand_in(
        definition_service_pb2_grpc,
        "DefinitionService",
        ListSellableDefinitions=lambda request: answers.pop(0),
    )
    cli.add("agreements", listed)
    result = cli.run("offers", "--unit", "Denver Club")
    assert result.exit_code == 0, result.output
    assert all(text in result.stdout for text in ("Gold Monthly", "2 x Towels", "35.00 USD", "Sales tax 8.25 %"))
    assert "Nothing is sold there today." in cli.run("offers", "--unit", "Denver Club").stdout


def test_agr_5_members_are_found_with_their_status_and_its_reason(cli: Cli) -> None:
    pb = member_service_pb2
    ana = pb.Member(
        external_id="100001", first_name="Ana", last_name="Silva", status="Prospect", status_reason="Bought nothing."
    )
    asked: list[Any] = []

    def found(request: Any) -> Any:
        asked.append(pb.SearchMembersRequest.FromString(request.SerializeToString()))
        return pb.SearchMembersResponse(members=[ana] if request.email else [])

    cli.add("agreements", stand_in(member_service_pb2_grpc, "MemberService", SearchMembers=found))
    result = cli.run("members", "--email", "ana@example.com")
    assert result.exit_code == 0, result.output
    assert all(text in result.stdout for text in ("100001", "Ana Silva", "Prospect", "Bought nothing."))
    assert (asked[0].email, asked[0].parent) == ("ana@example.com", f"enterprises/{ENTERPRISE}")
    assert "Nobody is found" in cli.run("members", "--phone", "303").stdout
    assert "--name, --email or --phone" in cli.run("members").stderr
