# Finds or installs Python and uv, and keeps `.venv` in step with the lock files.
# shellcheck shell=sh

# An interpreter is never downloaded: the one of the machine, or of its packager, is used.
export UV_PYTHON_DOWNLOADS=never
# The environment is `.venv` whatever else is active in the shell.
export UV_PROJECT_ENVIRONMENT=.venv
unset VIRTUAL_ENV CONDA_PREFIX

# What `.venv` was made for, and from; written last, so that it is there only when all went well.
stamp=.venv/installed

# $1: runtime, or dev for the tests' and checks' packages too.
ensure_environment() {
    if [ -x .venv/bin/kakehashi ] && runs_supported_python .venv/bin/python && stamped "$1" && made_here; then
        say "Python: .venv is up to date"
        return 0
    fi
    lock=$(lock_of "$1")
    ensure_uv
    if ! runs_supported_python .venv/bin/python || ! made_here; then
        ensure_python
        say "Making .venv with $("$python" --version) ($python)"
        rm -rf .venv
        "$uv" venv --quiet --python "$python" .venv || die "uv could not make .venv with $python"
    fi
    rm -f "$stamp"
    say "Installing $(grep -c '==' "$lock") Python packages into .venv, as pinned in $lock"
    "$uv" pip sync --quiet --python .venv/bin/python --require-hashes "$lock" ||
        die "the packages of $lock could not be installed; uv's messages are above"
    "$uv" pip install --quiet --python .venv/bin/python --no-deps --editable . ||
        die "Kakehashi itself could not be installed into .venv; uv's messages are above"
    "$uv" pip check --quiet --python .venv/bin/python ||
        die "$lock lags behind pyproject.toml (above): run \`make lock\`"
    echo "$1 $(state_of "$lock")" >"$stamp"
    say "Python: .venv is ready ($(.venv/bin/python --version))"
}

lock_of() {
    if [ "$1" = dev ]; then echo requirements-dev.lock; else echo requirements.lock; fi
}

# What an environment is made from, in one word.
state_of() { cat "$1" pyproject.toml | cksum | tr ' ' -; }

# Whether .venv holds what group $1 needs. An environment made for dev serves runtime too.
stamped() {
    [ -f "$stamp" ] || return 1
    read -r made_for made_from <"$stamp" || return 1
    { [ "$made_for" = "$1" ] || [ "$made_for" = dev ]; } &&
        [ "$made_from" = "$(state_of "$(lock_of "$made_for")")" ]
}

# An environment holds its own path, so that one in a copied or moved checkout has to be made anew.
made_here() { grep -q -F -e "$PWD/.venv" .venv/bin/activate; }

runs_supported_python() {
    [ -x "$1" ] && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Sets `python` to an interpreter; installs one where there is none.
ensure_python() {
    python=$(find_python) && return 0
    case "$(platform)" in
        debian)
            need_root "Python 3.11 or newer (package python3)"
            apt_update
            for package in python3 python3.13 python3.12 python3.11; do
                candidate=$(LC_ALL=C apt-cache policy "$package" | sed -n 's/^  Candidate: //p')
                case "$candidate" in 3.1[1-9]*) apt_install "$package" && break ;; esac
            done
            ;;
        macos)
            has brew || die "Python 3.11 or newer is missing, and Homebrew, which would install it, is not there"
            say "Installing python@3.13 (brew install)"
            brew install --quiet python@3.13 || die "Homebrew could not install python@3.13"
            ;;
    esac
    python=$(find_python) || die "Python 3.11 or newer is missing: install it (python.org, or your packager), then run this again"
}

# Prints the real path of an interpreter. The shell's own `python3` comes first; releases that the
# project is tested with come before newer ones. A name on PATH may be a shim that points at
# nothing, so each is asked.
find_python() {
    newer=
    for name in python3 python3.13 python3.12 python3.11 /usr/bin/python3 \
        /opt/homebrew/bin/python3.13 /usr/local/bin/python3.13; do
        has "$name" || continue
        answer=$("$name" -c 'import sys; print(sys.version_info[1], sys.executable) if sys.version_info[0] == 3 else None' 2>/dev/null) || continue
        minor=${answer%% *}
        case "$minor" in
            11 | 12 | 13) echo "${answer#* }" && return 0 ;;
            1[4-9]) newer=${newer:-${answer#* }} ;;
        esac
    done
    [ -n "$newer" ] && echo "$newer"
}

# Sets `uv`: the one on PATH, else one of our own in .venv-tools.
ensure_uv() {
    for uv in uv .venv-tools/bin/uv; do
        "$uv" --version >/dev/null 2>&1 && return 0
    done
    ensure_python
    say "Installing uv into .venv-tools"
    rm -rf .venv-tools
    if ! "$python" -m venv .venv-tools >/dev/null 2>&1; then
        rm -rf .venv-tools
        [ "$(platform)" = debian ] || die "$python has no module venv, which is needed to install uv; or install uv yourself"
        apt_install "$(venv_package)"
        "$python" -m venv .venv-tools || die "$python cannot make a virtual environment (python -m venv)"
    fi
    .venv-tools/bin/python -m pip install --quiet --disable-pip-version-check uv ||
        die "uv could not be installed by pip; its messages are above"
    uv=.venv-tools/bin/uv
}

# Debian keeps `venv` of its interpreters in packages of their own: python3.12-venv for python3.12.
venv_package() {
    "$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
}
