# RefundDesk's image: one for web, worker, beat and migrations; the target `simulators` adds the stand-in channels.

FROM python:3.12-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# A number, so that the platform can see that it is not root; without a home or a shell.
RUN groupadd --gid 10001 refunddesk \
    && useradd --uid 10001 --gid refunddesk --no-create-home --shell /usr/sbin/nologin refunddesk
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-deps --require-hashes -r requirements.txt && python -m compileall -q /usr/local/lib/python3.12/site-packages

FROM base AS simulators
COPY requirements-demo.txt ./
RUN pip install --no-deps --require-hashes -r requirements-demo.txt
COPY simulators ./simulators
RUN install -d -o refunddesk -g refunddesk /state
USER 10001:10001
VOLUME /state

FROM base AS app
COPY manage.py ./
COPY analytics ./analytics
COPY api ./api
COPY config ./config
COPY core ./core
COPY customer ./customer
COPY desk ./desk
COPY dev ./dev
COPY integrations ./integrations
COPY invariants ./invariants
COPY merchants ./merchants
COPY payment_channels ./payment_channels
COPY reconciliation ./reconciliation
COPY refunds ./refunds
COPY samples ./samples
COPY terminals ./terminals
COPY templates ./templates
COPY static ./static
COPY locale ./locale
# Collected into the image, so that every web process serves the same files and none has to write. The settings ask for
# addresses and keys; collecting uses none of them.
ENV VAR_DIR=/app/var
RUN DATABASE_URL=postgres://none REDIS_URL=redis://none SECRET_KEY=none PERSONAL_DATA_KEY=none SEARCH_KEY=none \
    AUDIT_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    python manage.py collectstatic --no-input --verbosity 0 \
    && install -d -o refunddesk -g refunddesk /app/var/run /app/var/audit-heads /app/var/evidence
USER 10001:10001
EXPOSE 8000
# Behind a proxy that ends TLS. Threads, because most of a request is waiting for the database.
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", \
     "--worker-class", "config.web_worker.Worker", "--limit-request-line", "8190", \
     "--threads", "8", "--preload", "--worker-tmp-dir", "/dev/shm", "--no-control-socket", \
     "--max-requests", "20000", "--max-requests-jitter", "2000", "--graceful-timeout", "30"]
