"""Django's PostgreSQL backend, without a question that most requests need not ask (``ENGINE = "core.database"``)."""
