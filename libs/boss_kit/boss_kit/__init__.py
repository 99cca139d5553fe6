"""What every BOSS service stands on: gRPC, SQL, AMQP, authentication and telemetry, and no business word."""
