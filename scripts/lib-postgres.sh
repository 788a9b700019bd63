# Finds or installs the programs of a PostgreSQL server and PostGIS. No server is started and no
# database made here: `kakehashi up` runs a private cluster of its own.
# shellcheck shell=sh

supported_majors="18 17 16 15" # newest first; as in catalog/store/binaries.py

ensure_postgres() {
    if [ -n "${KAKEHASHI_DATABASE_URL:-}" ]; then
        say "PostgreSQL: the one that KAKEHASHI_DATABASE_URL names"
        return 0
    fi
    if found=$(find_postgres); then
        say "PostgreSQL: $found"
        return 0
    fi
    if [ -n "${KAKEHASHI_PG_BIN:-}" ]; then
        die "KAKEHASHI_PG_BIN=$KAKEHASHI_PG_BIN holds no PostgreSQL 15 to 18 with PostGIS"
    fi
    case "$(platform)" in
        debian) install_postgres_debian ;;
        macos) install_postgres_macos ;;
        *) die "PostgreSQL 15 to 18 with PostGIS 3 is missing: install it, or set KAKEHASHI_DATABASE_URL" ;;
    esac
    found=$(find_postgres) || die "PostgreSQL was installed, but a server with PostGIS is still not found"
    say "PostgreSQL: $found"
}

# Prints the directory of a supported server that has PostGIS; fails where there is none.
find_postgres() {
    if [ -n "${KAKEHASHI_PG_BIN:-}" ]; then
        postgres_with_postgis "$KAKEHASHI_PG_BIN"
        return
    fi
    for major in $supported_majors; do
        for directory in "/usr/lib/postgresql/$major/bin" "/usr/pgsql-$major/bin" \
            "/opt/homebrew/opt/postgresql@$major/bin" "/usr/local/opt/postgresql@$major/bin"; do
            postgres_with_postgis "$directory" && return 0
        done
    done
    has postgres && postgres_with_postgis "$(dirname "$(command -v postgres)")"
}

postgres_with_postgis() {
    [ -x "$1/postgres" ] && [ -x "$1/initdb" ] && [ -x "$1/pg_config" ] || return 1
    release=$("$1/pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
    case " $supported_majors " in *" $release "*) ;; *) return 1 ;; esac
    [ -f "$("$1/pg_config" --sharedir)/extension/postgis.control" ] || return 1
    echo "$release with PostGIS in $1"
}

install_postgres_debian() {
    say "PostgreSQL: no server with PostGIS found"
    need_root "PostgreSQL 15 to 18 with PostGIS 3 (packages postgresql-NN and postgresql-NN-postgis-3)"
    apt_update
    major=$(choose_major_debian) ||
        die "this release of Debian or Ubuntu offers no PostgreSQL 15 to 18 with PostGIS 3: add PostgreSQL's own package source (PGDG) to apt, or set KAKEHASHI_DATABASE_URL"
    without_system_cluster apt_install "postgresql-$major" "postgresql-$major-postgis-3"
}

# The server that is there, so that only PostGIS is added; else the newest that apt offers.
choose_major_debian() {
    for major in $supported_majors; do
        [ -x "/usr/lib/postgresql/$major/bin/postgres" ] && apt_offers "postgresql-$major-postgis-3" &&
            echo "$major" && return 0
    done
    for major in $supported_majors; do
        apt_offers "postgresql-$major" && apt_offers "postgresql-$major-postgis-3" &&
            echo "$major" && return 0
    done
    return 1
}

# Debian's packages make and start a system-wide cluster `main` for every server they install.
# Nothing here needs one, so they are asked not to while the given command runs. A cluster that
# exists is not touched, and what the administrator installs later is as Debian means it.
without_system_cluster() {
    drop_in=/etc/postgresql-common/createcluster.d/kakehashi-setup.conf
    trap 'remove_drop_in' EXIT
    as_root mkdir -p "$(dirname "$drop_in")"
    echo 'create_main_cluster = false' | as_root tee "$drop_in" >/dev/null
    "$@"
    remove_drop_in
    trap - EXIT
}

remove_drop_in() { as_root rm -f "$drop_in"; }

install_postgres_macos() {
    has brew || die "PostgreSQL 15 to 18 with PostGIS is missing, and Homebrew, which would install it, is not there"
    say "Installing postgresql@17 and postgis (brew install)"
    brew install --quiet postgresql@17 postgis || die "Homebrew could not install postgresql@17 and postgis"
}
