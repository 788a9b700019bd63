# Two images from one file, both on Debian 12:
#   docker build --target kakehashi .    the program: API, ingest job, commands
#   docker build --target database .     the same with PostgreSQL 15 and PostGIS 3
# docker-compose.yml builds and runs both.

FROM debian:bookworm-slim AS python
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 tzdata \
    && rm -rf /var/lib/apt/lists/*
# One account per duty, with the same numbers in every image: the database tells by them who is calling.
RUN for account in kakehashi:10001 kakehashi-api:10002; do \
        name=${account%:*} number=${account#*:}; \
        groupadd --gid "$number" "$name" \
        && useradd --uid "$number" --gid "$number" --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$name" \
        || exit 1; \
    done


FROM python AS build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv ca-certificates \
    && rm -rf /var/lib/apt/lists/*
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
RUN python3 -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check uv \
    && /opt/uv/bin/uv venv --python /usr/bin/python3 /opt/kakehashi
WORKDIR /src
# The dependencies alone, so that a change of our code does not fetch them again.
COPY requirements.lock ./
RUN /opt/uv/bin/uv pip sync --python /opt/kakehashi/bin/python --require-hashes requirements.lock
COPY pyproject.toml README.md LICENSE cli.py ./
COPY app app
COPY catalog catalog
COPY commands commands
COPY ingest ingest
RUN /opt/uv/bin/uv pip install --python /opt/kakehashi/bin/python --no-deps .


FROM python AS kakehashi
COPY --from=build /opt/kakehashi /opt/kakehashi
ENV PATH=/opt/kakehashi/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER kakehashi
EXPOSE 8080
ENTRYPOINT ["kakehashi"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]


FROM kakehashi AS database
USER root
# `postgres` with a number of our choice, since it owns the files of a volume that outlives this image.
# Debian's package takes an account that is there, and is asked not to make a cluster of its own.
RUN groupadd --gid 10003 postgres \
    && useradd --uid 10003 --gid 10003 --no-create-home --home-dir /var/lib/postgresql --shell /bin/sh postgres \
    && mkdir -p /etc/postgresql-common/createcluster.d \
    && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/kakehashi.conf \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql-15 postgresql-15-postgis-3 \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/usr/lib/postgresql/15/bin:$PATH \
    PGDATA=/var/lib/kakehashi/postgres
# Volumes that are mounted here take over owner and mode.
RUN install -d -o postgres -g postgres -m 0700 /var/lib/kakehashi \
    && install -d -o postgres -g postgres -m 0755 /run/kakehashi
COPY scripts/docker/database.sh /usr/local/bin/database
USER postgres
# A fast shutdown: PostgreSQL would wait for every client to leave otherwise.
STOPSIGNAL SIGINT
ENTRYPOINT ["database"]
CMD []
