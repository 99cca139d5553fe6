"""Sum what isn't rolled up from the payments, invoices and lines themselves (SPEC BIL-9).

A payment is spread over its invoice's lines pro rata, each part cut to the cent, the remainder on the last line; it is
counted once, at the first line.
"""

from collections.abc import Sequence

_OF_LINES = {"item_category", "item"}

_WANTED = """
    WITH wanted AS NOT MATERIALIZED (
        SELECT * FROM unnest(CAST(:day_units AS uuid[]), CAST(:days AS date[])) AS wanted (business_unit_id, day)
    ), paid AS NOT MATERIALIZED (
        SELECT payment.business_unit_id, payment.payment_date AS day, payment.id, payment.invoice_id, payment.kind,
               payment.tender, payment.state, payment.is_recovered, payment.currency, payment.amount_minor
        FROM payment
        WHERE payment.enterprise_id = :enterprise_id AND payment.payment_date = ANY(CAST(:only_days AS date[]))
          AND (payment.business_unit_id, payment.payment_date) IN (SELECT business_unit_id, day FROM wanted)
          AND payment.kind IN ('New', 'On Account', 'Past Due')
    ), sold AS NOT MATERIALIZED (
        SELECT id, business_unit_id, invoice_date AS day, currency
        FROM invoice
        WHERE enterprise_id = :enterprise_id AND kind NOT IN ('opening balance', 'returned payment')
          AND invoice_date = ANY(CAST(:only_days AS date[]))
          AND (business_unit_id, invoice_date) IN (SELECT business_unit_id, day FROM wanted)
    )
"""

# Most invoices have one line, which takes it all, or two, which need no window: what the first leaves is the second's.
# They are summed by both of their items before each item gets its part. Lines are put together first: their numbers are
# well known to the planner, so that payments, which it may think few, are put into a table of their own only once.
_ONE_OR_TWO_LINES = """
    SELECT {columns}, CAST(sum(payments) AS bigint) AS payments, CAST(sum(amount_minor) AS bigint) AS amount_minor
    FROM (
        SELECT {of_payment}, unnest(ARRAY[coalesce(first_category, ''), second_category]) AS item_category,
               unnest(ARRAY[coalesce(first_item, ''), second_item]) AS item,
               unnest(ARRAY[count(*) FILTER (WHERE third_no IS NULL), 0]) AS payments,
               unnest(ARRAY[sum(all_minor) - sum(left_minor), sum(left_minor)]) AS amount_minor
        FROM paid
        LEFT JOIN (
            SELECT first.invoice_id, first.item_category AS first_category, first.item AS first_item,
                   second.item_category AS second_category, second.item AS second_item, third.line_no AS third_no,
                   first.amount_minor + first.tax_minor AS first_minor,
                   first.amount_minor + first.tax_minor + second.amount_minor + second.tax_minor AS total_minor
            FROM invoice_line AS first
            LEFT JOIN invoice_line AS second
                ON second.enterprise_id = :enterprise_id AND second.invoice_id = first.invoice_id AND second.line_no = 2
            LEFT JOIN invoice_line AS third
                ON third.enterprise_id = :enterprise_id AND third.invoice_id = first.invoice_id AND third.line_no = 3
            WHERE first.enterprise_id = :enterprise_id AND first.line_no = 1
        ) AS line ON line.invoice_id = paid.invoice_id
        CROSS JOIN LATERAL (
            SELECT CASE WHEN third_no IS NULL THEN paid.amount_minor ELSE 0 END AS all_minor
        ) AS mine
        CROSS JOIN LATERAL (
            SELECT CASE WHEN total_minor IS NULL THEN 0
                        WHEN total_minor <= 0 THEN all_minor
                        ELSE all_minor - div(CAST(all_minor AS numeric) * first_minor, total_minor)
                   END AS left_minor
        ) AS cut
        GROUP BY {of_payment}, first_category, first_item, second_category, second_item
    ) AS parted
    WHERE item IS NOT NULL
    GROUP BY {columns}
"""

_MORE_LINES = """
    SELECT {columns}, count(*) FILTER (WHERE line_no = 1) AS payments, CAST(sum(share) AS bigint) AS amount_minor
    FROM (
        SELECT *, CASE WHEN line_no = last_no THEN amount_minor - sum(part) OVER (PARTITION BY id)
                       ELSE part END AS share
        FROM (
            SELECT *, CASE WHEN line_no = last_no OR total_minor <= 0 THEN 0
                           ELSE div(CAST(amount_minor AS numeric) * line_minor, total_minor) END AS part
            FROM (
                SELECT paid.*, line.item_category, line.item, line.line_no,
                       line.amount_minor + line.tax_minor AS line_minor, max(line.line_no) OVER whole AS last_no,
                       sum(line.amount_minor + line.tax_minor) OVER whole AS total_minor
                FROM invoice_line AS third
                JOIN paid ON paid.invoice_id = third.invoice_id
                JOIN invoice_line AS line ON line.enterprise_id = :enterprise_id AND line.invoice_id = third.invoice_id
                WHERE third.enterprise_id = :enterprise_id AND third.line_no = 3
                WINDOW whole AS (PARTITION BY paid.id)
            ) AS parted
        ) AS cut
    ) AS spread
    GROUP BY {columns}
"""

_WITHOUT_LINES = """
    SELECT {columns}, count(*) AS payments, CAST(sum(amount_minor) AS bigint) AS amount_minor
    FROM paid
    GROUP BY {columns}
"""

# What a returned payment leaves owed was invoiced once already: its new invoice asks again, and sells nothing.
_INVOICED = """
    SELECT {columns}, count(*) FILTER (WHERE line_no = 1) AS payments, CAST(sum(line_minor) AS bigint) AS amount_minor
    FROM (
        SELECT sold.business_unit_id, sold.day, CAST('Invoiced' AS text) AS kind, CAST('' AS text) AS tender,
               CAST('' AS text) AS state, false AS is_recovered, sold.currency, line.item_category, line.item,
               line.line_no, line.amount_minor + line.tax_minor AS line_minor
        FROM sold
        JOIN invoice_line AS line ON line.enterprise_id = :enterprise_id AND line.invoice_id = sold.id
    ) AS invoiced
    GROUP BY {columns}
"""


def live_days(columns: Sequence[str], *, invoiced: bool = True) -> str:
    """Write the query that sums the days asked for by columns of `report_day`, with or without what was invoiced.

    The same columns may come in several rows.
    """
    spread = (_ONE_OR_TWO_LINES, _MORE_LINES) if _OF_LINES & set(columns) else (_WITHOUT_LINES,)
    of_payment = ", ".join(f"paid.{column}" for column in columns if column not in _OF_LINES)
    parts = [*spread, _INVOICED] if invoiced else spread
    united = " UNION ALL ".join(part.format(columns=", ".join(columns), of_payment=of_payment) for part in parts)
    return f"{_WANTED} {united}"
