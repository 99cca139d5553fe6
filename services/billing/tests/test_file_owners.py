"""A processor's file about what another business unit has is refused whole, with the line (SPEC BIL-8)."""

from uuid import uuid4

from callback_calls import PARENT
from club import AUSTIN, DENVER, unit_id
from file_exchange import Files

NEWS = "business_unit|update_id|account|outcome|new_account|new_last4|new_accessory"


def unit(name: str) -> str:
    return f"{PARENT}/businessUnits/{unit_id(name)}"


def paid(files: Files) -> None:
    """Bill and collect a member of each unit."""
    for number, name in (("M1", DENVER), ("M2", AUSTIN)):
        files.bank.answer(files.bill(number, unit=name))
    files.read()
    assert files.states() == {"approved"}


def returned(files: Files, number: str, of: str, return_id: str = "r1", code: str = "") -> str:
    code = code or str(files.club.one("SELECT id FROM attempt WHERE account_number = :number", number=number))
    return f"{unit(of)}|{return_id}|RETURN|{code}|t0|2026-01-09|35.00|USD|R01|No account"


def news(files: Files, *rows: str, name: str = "news.txt") -> None:
    text = "\n".join((NEWS, *rows, f"trailer|{len(rows)}", ""))
    (files.bank.folder / "updates" / name).write_text(text)
    files.read()


def kept(files: Files, kind: str) -> list[tuple[str, str]]:
    rows = files.club.rows("SELECT callback_id, state FROM callback WHERE kind = :kind ORDER BY 1", kind=kind)
    return [(row[0], row[1]) for row in rows]


def test_bil_8_a_returns_file_with_a_payment_of_another_unit_is_refused_whole_with_the_line(files: Files) -> None:
    paid(files)
    files.write_returns(returned(files, "M1", DENVER), returned(files, "M2", DENVER, "r2"))
    files.read()
    assert files.bank.refusal("returns") == "line 3: transaction_code names what another business unit's is."
    assert kept(files, "payment_return") == []
    assert files.club.one("SELECT sum(balance_minor) FROM invoice") == 0


def test_bil_8_a_returns_file_of_a_unit_nobody_knows_is_refused(files: Files) -> None:
    paid(files)
    files.write_returns(returned(files, "M1", "Boulder Club"))
    files.read()
    assert "line 2: " in files.bank.refusal("returns")
    assert "isn't a business unit known here" in files.bank.refusal("returns")
    assert kept(files, "payment_return") == []


def test_bil_8_a_return_of_a_payment_nobody_knows_is_kept_and_listed_beside_those_that_are_known(files: Files) -> None:
    paid(files)
    lost = (returned(files, "", AUSTIN, "r2", str(uuid4())), returned(files, "", AUSTIN, "r3", "no id of ours"))
    files.write_returns(returned(files, "M2", AUSTIN), *lost)
    files.read()
    assert kept(files, "payment_return") == [("r1", "applied"), ("r2", "unmatched"), ("r3", "unmatched")]


def test_bil_8_news_of_a_card_that_another_unit_has_is_refused_whole_with_the_line(files: Files) -> None:
    files.club.add_account("M1")
    files.club.add_account("M2", business_unit=AUSTIN)
    files.read()
    good = f"{unit(DENVER)}|n1|tok_M1|NEW_EXPIRY|||0231"
    news(files, good, f"{unit(DENVER)}|n2|tok_M2|NEW_EXPIRY|||0231")
    assert files.bank.refusal("updates") == "line 3: account names what another business unit's is."
    assert kept(files, "account_update") == []
    assert files.club.rows("SELECT 1 FROM funding_source WHERE expiry_year = 2031") == []
    news(files, good, f"{unit(AUSTIN)}|n2|tok_M2|NEW_EXPIRY|||0231", name="mended.txt")
    assert kept(files, "account_update") == [("n1", "applied"), ("n2", "applied")]


def test_bil_4_news_of_a_card_that_two_units_have_may_come_from_either_and_renews_it_in_both(files: Files) -> None:
    files.club.add_account("M1", token="tok_family")
    files.club.add_account("M2", token="tok_family", business_unit=AUSTIN)
    files.read()
    news(files, f"{unit(AUSTIN)}|n1|tok_family|NEW_EXPIRY|||0231")
    assert [row.expiry_year for row in files.club.rows("SELECT expiry_year FROM funding_source")] == [2031, 2031]


def test_bil_4_an_answer_about_another_card_than_was_asked_about_is_refused_whole_with_the_line(files: Files) -> None:
    club = files.club
    club.settings(card_updater=True)
    files.bank.answer(files.bill("M1", "M2"), code="D16")
    files.read()
    club.ask("card-updater")
    (request,) = files.bank.folder.glob("requests/upd_*.txt")
    header, one, other, _ = request.read_text().splitlines()
    header += "|update_id|outcome|new_account|new_last4|new_accessory"
    crossed = "|".join((other.split("|")[0], *one.split("|")[1:]))
    answer = files.bank.folder / "updates" / request.name
    answer.write_text(f"{header}\n{one}|u1|NEW_EXPIRY|||0233\n{crossed}|u2|NEW_EXPIRY|||0233\ntrailer|2\n")
    files.read()
    assert files.bank.refusal("updates") == "line 3: account isn't that of the card this inquiry is about."
    assert club.rows("SELECT 1 FROM callback WHERE kind = 'account_update'") == []


def test_bil_8_a_response_row_under_another_units_name_refuses_the_answers_of_both(files: Files) -> None:
    request = files.bill("M1", "M2")

    def change(rows: list[str]) -> list[str]:
        return [*rows[:2], rows[2].replace(unit(DENVER), unit(AUSTIN)), rows[3]]

    files.bank.answer(request, change=change)
    files.read()
    assert "line 3: " in files.bank.refusal()
    assert "isn't the unit whose payment this is" in files.bank.refusal()
    assert files.states() == {"pending"}
    assert files.club.one("SELECT count(*) FROM callback") == 0
