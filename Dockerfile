# The service as one image: the web server by default; worker, timetable and migrations by other commands, see compose.yaml.
FROM python:3.11.14-slim-bookworm AS packages
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.txt

FROM python:3.11.14-slim-bookworm
# A number of its own, so that secrets kept as files can be given to this account alone.
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin app
COPY --from=packages /venv /venv
WORKDIR /app
COPY manage.py ./
COPY pipedrive_qb pipedrive_qb
COPY integration_settings integration_settings
COPY invoices invoices
COPY templates templates
COPY static static
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=pipedrive_qb.settings
# Collecting files needs no secret; the values that the checks ask for come at run time.
RUN python manage.py collectstatic --noinput --skip-checks && mkdir var/beat && chown -R app: var
USER app
EXPOSE 8000
HEALTHCHECK --interval=1m --timeout=10s --start-period=30s --retries=3 CMD ["python", "-m", "pipedrive_qb.alive"]
CMD ["gunicorn", "pipedrive_qb.wsgi", "--bind", "0.0.0.0:8000", "--workers", "3", "--threads", "8", "--no-control-socket"]
