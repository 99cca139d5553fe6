"""The fixtures that every test may use; pytest wants them named at the root."""

pytest_plugins = (
    "boss_kit.testing.postgres",
    "boss_kit.testing.rabbitmq",
    # Before the server, which imports it: pytest rewrites assertions only in what isn't imported yet.
    "boss_kit.testing.tokens",
    "boss_kit.testing.server",
)
