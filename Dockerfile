# The service as one image: the web server by default, the worker with another command (see docs/operating.md).
FROM python:3.11-slim AS packages
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.txt

FROM python:3.11-slim
RUN useradd --system --home-dir /app --shell /usr/sbin/nologin app
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
RUN python manage.py collectstatic --noinput --skip-checks && chown -R app: /app/var
USER app
EXPOSE 8000
CMD ["gunicorn", "pipedrive_qb.wsgi", "--bind", "0.0.0.0:8000", "--workers", "3", "--threads", "8", "--no-control-socket"]
