"""A year's end of a chain of clubs: a million payments with their books, made in the database itself."""

from datetime import date
from uuid import UUID

import psycopg

ENTERPRISE_ID = UUID("01890000-0000-7000-8000-00000000be7e")
UNITS = 40
FIRST, LAST = date(2026, 1, 1), date(2026, 1, 31)
DAYS = (LAST - FIRST).days + 1

# Every number is derived from the payment's: unit, day, tender, item, amount, and what became of it.
_TABLES = """
SET LOCAL session_replication_role = replica;

INSERT INTO business_unit (enterprise_id, id, display_name, time_zone, currency)
SELECT %(e)s, gen_random_uuid(), 'Club ' || lpad(u::text, 2, '0'), 'America/Denver', 'USD'
FROM generate_series(0, %(units)s - 1) AS u;

INSERT INTO account (enterprise_id, business_unit_id, id, number, currency, create_time)
SELECT %(e)s, unit.id, gen_random_uuid(), 'B' || a, 'USD', now()
FROM generate_series(0, %(n)s / 10 - 1) AS a
JOIN business_unit AS unit ON unit.display_name = 'Club ' || lpad((a %% %(units)s)::text, 2, '0');

CREATE TEMPORARY TABLE made AS
SELECT n, account.business_unit_id AS unit_id, account.id AS account_id, account.number AS account_number,
       gen_random_uuid() AS invoice_id, gen_random_uuid() AS payment_id,
       %(first)s::date + (n / (%(n)s / 10)) * 3 + (n %% 3) AS day,
       (ARRAY['VISA', 'MC', 'DISC', 'AMEX', 'ACH'])[1 + n %% 5] AS tender,
       (ARRAY['New', 'New', 'New', 'On Account', 'Past Due'])[1 + (n / 7) %% 5] AS kind,
       CASE WHEN n %% 40 = 3 THEN 'finally_declined' WHEN n %% 997 = 0 THEN 'pending' ELSE 'approved' END AS state,
       n %% 50 = 7 AND n %% 40 <> 3 AND n %% 997 <> 0 AS is_recovered, 2000 + (n * 37) %% 9000 AS amount,
       n / 12 %% 12 AS item
FROM generate_series(0, %(n)s - 1) AS n
JOIN account ON account.enterprise_id = %(e)s AND account.number = 'B' || n %% (%(n)s / 10);

INSERT INTO invoice (enterprise_id, business_unit_id, id, account_id, number, kind, description, invoice_date, due_date,
                     currency, total_minor, balance_minor, correlation, create_time)
SELECT %(e)s, unit_id, invoice_id, account_id, 'I' || n, 'billed', 'Dues', day, day, 'USD', amount,
       CASE WHEN state = 'approved' THEN 0 ELSE amount END, '', now()
FROM made;

INSERT INTO invoice_line (enterprise_id, business_unit_id, invoice_id, line_no, charge_key, description, item_category,
                          item, amount_minor, tax_minor)
SELECT %(e)s, unit_id, invoice_id, 1, gen_random_uuid() || '/1/recurring', 'Dues', 'Category ' || item %% 4,
       'Item ' || item, CASE WHEN n %% 4 = 0 THEN amount / 3 ELSE amount END, 0
FROM made
UNION ALL
SELECT %(e)s, unit_id, invoice_id, 2, gen_random_uuid() || '/1/recurring', 'Locker', 'Rental', 'Locker',
       amount - amount / 3 - CASE WHEN n %% 20 = 0 THEN 100 ELSE 0 END, 0
FROM made WHERE n %% 4 = 0
UNION ALL
SELECT %(e)s, unit_id, invoice_id, 3, gen_random_uuid() || '/1/recurring', 'Towel', 'Rental', 'Towel', 100, 0
FROM made WHERE n %% 20 = 0;

INSERT INTO transfer (enterprise_id, business_unit_id, account_id, invoice_id, debit, debit_detail, credit,
                      credit_detail, amount_minor, currency, business_date, source, create_time)
SELECT %(e)s, unit_id, account_id, made.invoice_id, 'receivable', '', 'revenue', line.item_category, line.amount_minor,
       'USD', day, 'bill run', now()
FROM made
JOIN invoice_line AS line ON line.enterprise_id = %(e)s AND line.invoice_id = made.invoice_id;

INSERT INTO transfer (enterprise_id, business_unit_id, account_id, invoice_id, payment_id, debit, debit_detail, credit,
                      credit_detail, amount_minor, currency, business_date, source, create_time)
SELECT %(e)s, unit_id, account_id, invoice_id, payment_id, 'clearing', tender, 'receivable', '', amount, 'USD', day,
       'payment', now()
FROM made
WHERE state = 'approved';

INSERT INTO payment (enterprise_id, business_unit_id, id, account_id, invoice_id, kind, state, tender, is_primary,
                     amount_minor, currency, payment_date, response_code, response_message, is_recovered, correlation,
                     create_time)
SELECT %(e)s, unit_id, payment_id, account_id, invoice_id, kind, state, tender, true, amount, 'USD', day, 'A01',
       'Approved', is_recovered, '', now()
FROM made;

CREATE TEMPORARY TABLE cut AS
SELECT *, dense_rank() OVER (ORDER BY day, unit_id, part) AS number FROM (
    SELECT *, (row_number() OVER (PARTITION BY unit_id, day ORDER BY n) - 1) / 1000 AS part FROM made
) AS parted;

INSERT INTO batch (enterprise_id, business_unit_id, id, bill_run_id, number, label, part, bill_date, state, create_time)
SELECT %(e)s, unit_id, gen_random_uuid(), gen_random_uuid(), number, label, 1, day, 'submitted', now()
FROM (SELECT DISTINCT unit_id, day, number FROM cut) AS one, unnest(ARRAY['Original', 'Retry']) AS label;

INSERT INTO attempt (enterprise_id, business_unit_id, id, account_id, invoice_id, payment_id, funding_source_id,
                     batch_id, label, account_number, due_date, invoice_number, description, attempt_no, tender, token,
                     expiry_month, expiry_year, amount_minor, currency, business_date, state, response_code,
                     response_message, transaction_id, result_date, correlation, create_time)
SELECT %(e)s, unit_id, gen_random_uuid(), account_id, invoice_id, payment_id, account_id, batch.id, batch.label,
       account_number, day, 'I' || n, 'Dues', 1, tender, 'tok_' || n, 12, 2030, amount, 'USD', day,
       CASE WHEN batch.label = 'Original' AND is_recovered OR cut.state = 'finally_declined' THEN 'declined'
            ELSE cut.state END,
       'A01', CASE WHEN n %% 5000 = 0 THEN '' ELSE 'Approved' END, 'T' || n, day, '', now()
FROM cut
JOIN batch ON batch.enterprise_id = %(e)s AND batch.number = cut.number AND (batch.label = 'Original' OR is_recovered);

INSERT INTO deposit (enterprise_id, business_unit_id, id, source, deposit_key, part, statement, line_no, deposit_date,
                     batch_number, label, tender, gross_minor, fee_minor, currency, transaction_id, correlation,
                     create_time)
SELECT %(e)s, unit_id, gen_random_uuid(), 'bench', number || tender, 0, 'S' || day, 1, day + 2, number, '', tender,
       sum(amount) - CASE WHEN number %% 100 = 0 THEN 500 ELSE 0 END, 0, 'USD', '', '', now()
FROM cut
WHERE state = 'approved' AND number %% 250 <> 7
GROUP BY unit_id, day, number, tender;

INSERT INTO transfer (enterprise_id, business_unit_id, account_id, debit, debit_detail, credit, credit_detail,
                      amount_minor, currency, business_date, source, create_time)
SELECT enterprise_id, business_unit_id, '00000000-0000-0000-0000-000000000000', 'bank', source, 'clearing', tender,
       gross_minor, currency, deposit_date, 'deposit', now()
FROM deposit WHERE gross_minor > 0;

INSERT INTO report_mark (enterprise_id, business_unit_id, day) SELECT DISTINCT %(e)s::uuid, unit_id, day FROM made;

INSERT INTO report_mark (enterprise_id, business_unit_id, batch_id)
SELECT enterprise_id, business_unit_id, id FROM batch
"""


def load(url: str, payments: int) -> None:
    """Make so many payments, with their invoices, attempts, batches, deposits and transfers."""
    values = {"e": ENTERPRISE_ID, "units": UNITS, "n": payments, "first": FIRST}
    with psycopg.connect(url) as connection, psycopg.ClientCursor(connection) as cursor:
        for statement in _TABLES.split(";"):
            if statement.strip():
                cursor.execute(statement, values)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
