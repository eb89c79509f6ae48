# Everything that needs a compiler, an installer or the tools stays in the first stage.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
SHELL ["/bin/bash", "-o", "pipefail", "-c"]

# Dependencies first: they change less often than our code, and their layer is kept.
COPY requirements-uv.txt requirements.txt ./
RUN python -m venv /venv \
    && pip install --require-hashes --only-binary :all: -r requirements-uv.txt \
    && uv pip install --python /venv/bin/python --no-cache --compile-bytecode --require-hashes -r requirements.txt

COPY . .
# Keys that last for this one command: nothing of them is in the image.
RUN PNEUMATIC_ENV=production PNEUMATIC_DATA_DIR=/tmp/data STATIC_ROOT=/app/staticfiles \
    SECRET_KEY="$(head -c 48 /dev/urandom | base64)" JWT_SIGNING_KEY="$(head -c 48 /dev/urandom | base64)" \
    /venv/bin/python manage.py collectstatic --noinput \
    && /venv/bin/python -m compileall -q accounts chat pneumatic

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 pneumatic \
    && useradd --system --uid 10001 --gid pneumatic --home-dir /data --shell /usr/sbin/nologin pneumatic \
    && install --directory --owner pneumatic --group pneumatic --mode 0750 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PNEUMATIC_ENV=production \
    PNEUMATIC_DATA_DIR=/data \
    STATIC_ROOT=/app/staticfiles \
    HOST=0.0.0.0 \
    PORT=8000
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
CMD ["python", "manage.py", "serve"]
