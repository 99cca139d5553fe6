"""What was owed, by age, to protos."""

from boss.billing.v1 import ledger_service_pb2 as pb

from boss_billing.ledger.aging import Aged
from boss_billing.ledger.as_of import AgedAccount, AgedSums
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_to_proto


def aging(one: AgedSums) -> pb.Aging:
    """Write what all accounts owed."""
    return pb.Aging(
        as_of_date=date_to_proto(one.day),
        sums=[_buckets(aged, currency) for currency, aged in one.sums.items()],
        accounts=one.accounts,
    )


def aged_account(one: AgedAccount) -> pb.AgedAccount:
    """Write what one account owed."""
    return pb.AgedAccount(
        account=one.ref.name,
        number=one.number,
        buckets=_buckets(one.aged, one.currency),
        balance=money_to_proto(Money(one.aged.balance_minor, one.currency)),
    )


def _buckets(aged: Aged, currency: str) -> pb.AgeBuckets:
    amounts = [money_to_proto(Money(amount, currency)) for amount in (*aged.buckets, aged.total_minor)]
    first, second, third, fourth, total = amounts
    return pb.AgeBuckets(
        days_0_30=first,
        days_31_60=second,
        days_61_90=third,
        days_over_90=fourth,
        total=total,
        credit=money_to_proto(Money(aged.credit_minor, currency)),
    )
