#!/bin/bash
# Builds the images and tries the whole of docker-compose.yml for real: `make docker-test`.
#
# Uses the Docker engine that answers, else starts one of its own (Debian or Ubuntu, as root, its
# packages installed where missing) and stops it again. Where the base image cannot be pulled it is
# made by debootstrap. Both `docker compose` and the older `docker-compose` will do; COMPOSE names
# one of them where both are there.
set -euo pipefail
cd "$(dirname "$0")/../.."

. scripts/lib.sh

base=debian:bookworm-slim
port=${KAKEHASHI_PORT:-18080}
url=http://127.0.0.1:$port
project=kakehashi-try
state=
export KAKEHASHI_PORT=$port COMPOSE_PROJECT_NAME=$project

step() { say "== $*"; }
fail() { die "docker-test: $*"; }

compose() { "${compose_command[@]}" "$@"; }

main() {
    find_tools
    trap clean_up EXIT
    docker info >/dev/null 2>&1 || start_engine
    ensure_base_image

    step "building the images"
    compose build >"$log" 2>&1 || { tail -n 40 "$log" >&2; fail "the images could not be built"; }
    docker images --format '{{.Repository}} {{.Size}}' 'kakehashi*' | sed 's/^/   /'

    step "starting with an empty volume"
    start
    check_answers
    check_confinement
    local items
    items=$(count)
    say "   $items items"

    step "restarting the database under the running API"
    compose restart database >/dev/null 2>&1
    wait_for healthy database
    wait_for_search 30
    step "killing the database (SIGKILL)"
    docker kill --signal KILL "$(container database)" >/dev/null
    compose up -d database >/dev/null 2>&1
    wait_for healthy database
    wait_for_search 30
    [ "$(count)" = "$items" ] || fail "items were lost: $items before, $(count) after"

    step "down, and up again on the same volume"
    time_of compose down
    start
    check_answers
    [ "$(count)" = "$items" ] || fail "items were lost: $items before, $(count) after"
    say "docker-test: passed"
}

find_tools() {
    local missing=()
    has docker || missing+=(docker.io)
    has curl || missing+=(curl)
    has docker-compose || docker compose version >/dev/null 2>&1 || missing+=(docker-compose)
    if [ ${#missing[@]} -gt 0 ]; then
        [ "$(platform)" = debian ] || fail "missing: ${missing[*]}"
        apt_install "${missing[@]}"
    fi
    if [ -n "${COMPOSE:-}" ]; then
        read -r -a compose_command <<<"$COMPOSE"
    elif docker compose version >/dev/null 2>&1; then
        compose_command=(docker compose)
    else
        compose_command=(docker-compose)
    fi
    log=$(mktemp)
    say "engine tools: $(docker --version); $(compose version 2>/dev/null | head -n 1)"
}

# --- an engine of our own --------------------------------------------------------------------

start_engine() {
    [ "$(id -u)" -eq 0 ] || fail "no Docker engine answers, and starting one needs root"
    if ! has dockerd || ! has iptables; then
        [ "$(platform)" = debian ] || fail "no Docker engine answers, and dockerd is not installed"
        apt_install docker.io iptables
    fi
    step "starting a Docker engine of our own"
    state=$(mktemp -d /var/tmp/kakehashi-docker.XXXXXX)
    bridge_before=$(ip link show docker0 2>/dev/null || true)
    iptables-save >"$state/iptables" 2>/dev/null || true
    export DOCKER_HOST="unix://$state/docker.sock"
    # In a session of its own, so that Ctrl-C reaches this script alone, which then cleans up with its help.
    setsid dockerd --host "$DOCKER_HOST" --data-root "$state/data" --exec-root "$state/exec" \
        --pidfile "$state/pid" >"$state/log" 2>&1 </dev/null &
    for _ in $(seq 60); do
        docker info >/dev/null 2>&1 && return 0
        sleep 0.5
    done
    tail -n 20 "$state/log" >&2
    fail "the Docker engine did not start"
}

stop_engine() {
    [ -f "$state/pid" ] || return 0
    local pid
    pid=$(cat "$state/pid")
    kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 60); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.5
    done
    iptables-restore <"$state/iptables" 2>/dev/null || true
    [ -n "$bridge_before" ] || ip link delete docker0 2>/dev/null || true
}

ensure_base_image() {
    docker image inspect "$base" >/dev/null 2>&1 && return 0
    step "getting $base"
    docker pull -q "$base" >/dev/null 2>&1 && return 0
    say "   it cannot be pulled: making it with debootstrap"
    if [ "$(platform)" != debian ] || [ "$(id -u)" -ne 0 ]; then
        fail "$base cannot be pulled, and debootstrap needs Debian and root"
    fi
    has debootstrap || apt_install debootstrap
    local root
    root=$(mktemp -d /var/tmp/kakehashi-base.XXXXXX)
    if ! debootstrap --variant=minbase bookworm "$root" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -rf "$root"
        fail "debootstrap could not make $base"
    fi
    # Certificate authorities that this machine was told to trust: downloads of the build may pass by them.
    cp -r /usr/local/share/ca-certificates "$root/usr/local/share/" 2>/dev/null || true
    tar -C "$root" -c . | docker import - "$base" >/dev/null
    rm -rf "$root"
}

clean_up() {
    local status=$?
    trap - EXIT
    if [ "$status" -ne 0 ]; then
        compose ps >&2 2>/dev/null || true
        compose logs --tail 30 >&2 2>/dev/null || true
    fi
    compose down --volumes >/dev/null 2>&1 || true
    if [ -n "$state" ]; then
        stop_engine
        rm -rf "$state"
    fi
    rm -f "$log"
    exit "$status"
}

# --- the checks ------------------------------------------------------------------------------

start() {
    local begin=$SECONDS
    compose up -d >"$log" 2>&1 || { tail -n 40 "$log" >&2; fail "compose up failed"; }
    wait_for healthy database
    wait_for healthy api
    wait_for healthy ingest
    say "   healthy after $((SECONDS - begin)) s"
}

# A container may be there stopped (`prepare`), which `compose ps -q` of the older tool still lists.
container() { docker ps -aq --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$1" | head -n 1; }

wait_for() {
    local state=
    for _ in $(seq 120); do
        state=$(docker inspect --format '{{.State.Health.Status}}' "$(container "$2")" 2>/dev/null || true)
        [ "$state" = "$1" ] && return 0
        sleep 1
    done
    fail "$2 is '$state' after two minutes, not '$1'"
}

get() { curl --fail --silent --show-error --max-time 20 "$@"; }

wait_for_search() {
    local begin=$SECONDS
    while ! get "$url/search?limit=1" 2>/dev/null | grep -q '"stac_version"'; do
        [ $((SECONDS - begin)) -lt "$1" ] || fail "no search is answered $1 s after the database came back"
        sleep 0.5
    done
    say "   search answers again after $((SECONDS - begin)) s"
}

check_answers() {
    get "$url/" | grep -q '"type": *"Catalog"' || fail "no landing page"
    get "$url/collections" | grep -q '"collections": *\[ *{' || fail "no collections"
    get "$url/search?limit=3&bbox=120,20,150,50" | grep -q '"type": *"Feature"[^C]' || fail "GET /search over Japan finds nothing"
    get -H 'content-type: application/json' -d '{"limit": 3}' "$url/search" | grep -q '"stac_version"' ||
        fail "POST /search finds nothing"
    get "$url/search?limit=1" | grep -q "\"$url/" || fail "links do not carry the address that was asked"
    say "   landing page, collections and searches answer"
}

check_confinement() {
    local service id
    for service in database api ingest; do
        id=$(container "$service")
        [ "$(docker exec "$id" id -u)" -ge 10001 ] || fail "$service runs as uid $(docker exec "$id" id -u)"
        docker exec "$id" sh -c 'grep -q "^CapBnd:[[:space:]]*0*$" /proc/1/status' || fail "$service has capabilities"
        ! docker exec "$id" sh -c 'touch /probe' 2>/dev/null || fail "the root file system of $service is writable"
    done
    [ "$(docker inspect --format '{{.HostConfig.NetworkMode}}' "$(container database)")" = none ] ||
        fail "the database has a network"
    docker port "$(container api)" | grep -q -- '-> 127.0.0.1:' || fail "the API listens on more than this machine"
    ! in_api kakehashi_api 'DELETE FROM pgstac.items' 2>/dev/null || fail "the API may write"
    ! in_api kakehashi 'SELECT 1' 2>/dev/null || fail "the API may become the owner"
    in_api kakehashi_api 'SELECT 1' || fail "the API's account cannot read"
    say "   no root, no capabilities, no writable root, no network for the database, no writing for the API"
}

# Runs SQL from the API's container, with the API's account and the given role.
in_api() {
    docker exec "$(container api)" python3 -c '
import asyncio, sys, asyncpg
async def run():
    await (await asyncpg.connect(f"postgresql:///kakehashi?host=/run/kakehashi&user={sys.argv[1]}")).execute(sys.argv[2])
asyncio.run(run())' "$1" "$2"
}

count() {
    docker exec "$(container ingest)" python3 -c '
import asyncio, os, asyncpg
async def run():
    connection = await asyncpg.connect(os.environ["KAKEHASHI_DATABASE_URL"])
    print(await connection.fetchval("SELECT count(*) FROM pgstac.items"))
asyncio.run(run())'
}

time_of() {
    local begin=$SECONDS
    "$@" >"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "$* failed"; }
    say "   $* took $((SECONDS - begin)) s"
}

main
