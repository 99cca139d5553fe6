"""A bare gRPC server: each call commits one row with what it was told, and nothing else."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import psycopg
from boss.billing.v1 import processor_callback_service_pb2 as pb

THREADS = 24


class Bare:
    """Writes what it is told."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._own = threading.local()

    def report(self, request: pb.ReportPaymentResultsRequest, _: Any) -> pb.ReportPaymentResultsResponse:
        """Commit one row."""
        if not hasattr(self._own, "connection"):
            self._own.connection = psycopg.connect(self._url)
        row = (request.results[0].result_id, request.SerializeToString())
        self._own.connection.execute("INSERT INTO bare (id, body) VALUES (%s, %s)", row)
        self._own.connection.commit()
        return pb.ReportPaymentResultsResponse(applied=1)


def main(url: str, address: str) -> None:
    """Serve until standard input ends."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id text PRIMARY KEY, body bytea NOT NULL)")
    server = grpc.server(ThreadPoolExecutor(THREADS))
    handler = grpc.unary_unary_rpc_method_handler(
        Bare(url).report,
        request_deserializer=pb.ReportPaymentResultsRequest.FromString,
        response_serializer=pb.ReportPaymentResultsResponse.SerializeToString,
    )
    methods = {"ReportPaymentResults": handler}
    service = grpc.method_handlers_generic_handler("boss.billing.v1.ProcessorCallbackService", methods)
    server.add_generic_rpc_handlers((service,))
    server.add_insecure_port(address)
    server.start()
    sys.stdin.read()
    server.stop(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
