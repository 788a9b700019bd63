# What the scripts beside this file share. Sourced by them; POSIX sh.
# shellcheck shell=sh

say() { printf '%s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }

# Ends the script with one line that says what is missing and what to do about it.
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# debian, macos or other: the three ways in which missing things get installed here.
platform() {
    case "$(uname -s)" in
        Darwin) echo macos ;;
        *) if has apt-get && has dpkg-query; then echo debian; else echo other; fi ;;
    esac
}

# Ends the script unless administrator's rights can be had; $1 names what they are needed for.
need_root() {
    [ "$(id -u)" -eq 0 ] && return 0
    has sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; } && return 0
    die "missing on this machine: $1; ask an administrator to install it, then run this again"
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# What apt prints is shown only when it fails.
apt_get() {
    apt_log=$(mktemp)
    if as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l \
        apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" >"$apt_log" 2>&1; then
        rm -f "$apt_log"
        return 0
    fi
    cat "$apt_log" >&2
    rm -f "$apt_log"
    return 1
}

apt_updated=no

# Refreshes apt's package lists, once in a run. A list that cannot be had (one broken third-party
# source) is no reason to stop: whether the package can be installed decides.
apt_update() {
    [ "$apt_updated" = no ] || return 0
    apt_updated=yes
    say "Refreshing the list of Debian packages (apt-get update)"
    apt_get update || warn "apt-get update did not refresh every source"
}

# Whether apt knows a release of this package that it could install.
apt_offers() {
    LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'
}

apt_install() {
    need_root "$*"
    apt_update
    say "Installing $* (apt-get install)"
    apt_get install --no-install-recommends "$@" ||
        die "apt-get could not install $*; its messages are above"
}
