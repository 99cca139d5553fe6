"""The bare consumer: parse, COPY, commit, ack, and nothing else. `_event_bare.py AMQP_URL DATABASE_URL EVENTS`."""

import sys
from typing import Any
from uuid import UUID

import pika
import psycopg
from boss.events.v1 import event_pb2

from boss_bench._event_load import BARE, Meter
from boss_kit.events.topology import queue_name
from boss_kit.ids import PARTITIONS


def main(amqp_url: str, database_url: str, events: str) -> None:
    """Consume so many events."""
    meter = Meter(int(events))
    broker = pika.BlockingConnection(pika.URLParameters(amqp_url))
    channel = broker.channel()
    channel.basic_qos(prefetch_count=2)
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:

        def on_message(_channel: Any, method: Any, _properties: Any, body: bytes) -> None:
            start = meter.begin()
            parsed = event_pb2.EventBatch.FromString(body).events
            with cursor.copy("COPY effect (id, body) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["uuid", "bytea"])
                for event in parsed:
                    copy.write_row((UUID(event.id), event.data))
            connection.commit()
            channel.basic_ack(method.delivery_tag)
            if meter.end(start, len(parsed)):
                channel.stop_consuming()

        for partition in range(PARTITIONS):
            channel.basic_consume(queue_name(BARE, partition), on_message)
        channel.start_consuming()
    broker.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
