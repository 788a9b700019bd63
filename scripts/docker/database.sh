#!/bin/sh
# Runs PostgreSQL in a container: makes the cluster at the first start, then becomes the server.
#
# There is no password, since there is no network: the server listens on a Unix socket in a volume
# that the other containers share, and the kernel tells it which account is calling (`peer`).
#
#   account in the container    is in the database
#   kakehashi                   kakehashi, the owner: migrates and ingests
#   kakehashi-api               kakehashi_api, who may only read
set -eu

socket_directory=/run/kakehashi

say() { echo "database: $*"; }

if [ -f "$PGDATA/PG_VERSION" ]; then
    made_by=$(cat "$PGDATA/PG_VERSION")
    server=$(postgres --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    if [ "$made_by" != "$server" ]; then
        echo "database: the volume was made by PostgreSQL $made_by and this is $server: dump it with the old image and load it into a new volume, or use the old image" >&2
        exit 1
    fi
else
    say "making a new cluster"
    # Under another name first, so that a half-made one is never taken for whole.
    rm -rf "$PGDATA.new"
    initdb --pgdata="$PGDATA.new" --username=kakehashi --encoding=UTF8 --lc-collate=C --lc-ctype=C.UTF-8 \
        --data-checksums --auth=reject --no-instructions >/dev/null
    # The roles that catalog/store/migrations makes too; here already, so that the API's can be a member.
    postgres --single -D "$PGDATA.new" postgres >/dev/null <<'SQL'
CREATE DATABASE kakehashi
CREATE ROLE kakehashi_read NOLOGIN
CREATE ROLE kakehashi_api LOGIN IN ROLE kakehashi_read
SQL
    echo "include_if_exists = 'kakehashi.conf'" >>"$PGDATA.new/postgresql.conf"
    mv "$PGDATA.new" "$PGDATA"
fi

cat >"$PGDATA/pg_hba.conf" <<'HBA'
# Written at each start by the container.
local all all peer map=kakehashi
HBA
cat >"$PGDATA/pg_ident.conf" <<'IDENT'
# Written at each start by the container.
kakehashi postgres      kakehashi
kakehashi kakehashi     kakehashi
kakehashi kakehashi-api kakehashi_api
IDENT
python3 - "$socket_directory" >"$PGDATA/kakehashi.conf" <<'PYTHON'
import pathlib
import sys

from catalog.store import tuning

settings = tuning.server_settings(pathlib.Path(sys.argv[1]), tuning.memory_bytes())
# The other containers' accounts come in by the socket; pg_hba.conf says who is let in.
settings["unix_socket_permissions"] = "0777"
print(tuning.render(settings), end="")
PYTHON

say "starting PostgreSQL"
exec postgres
