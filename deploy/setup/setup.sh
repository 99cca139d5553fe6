#!/usr/bin/env bash
# Make or refresh the virtual environment .venv and the generated protos; do nothing when both are up to date.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
checkout=$PWD

say() { printf 'setup: %s\n' "$*" >&2; }

# True for an interpreter that runs and is new enough (a pyenv shim may exist and not run).
is_usable() { command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# Debian ships Python without venv.
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

find_python() {
  local candidate
  if [ -n "${PYTHON:-}" ]; then
    is_usable "$PYTHON" || { say "PYTHON=$PYTHON is no Python >= 3.11 that runs"; return 1; }
    printf '%s\n' "$PYTHON"
    return
  fi
  # A distribution builds its Python with profile-guided optimization; one that pyenv built runs a fifth slower.
  if is_usable /usr/bin/python3 && has_venv /usr/bin/python3; then printf '/usr/bin/python3\n'; return; fi
  for candidate in python3 python3.13 python3.12 python3.11 python3.14 /usr/bin/python3; do
    if is_usable "$candidate"; then printf '%s\n' "$candidate"; return; fi
  done
  return 1
}

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

apt_install() {
  say "installing $*"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends "$@" >&2
}

ensure_python() {
  find_python && return
  [ -z "${PYTHON:-}" ] || return 1
  if can_install && apt_install python3 python3-venv && find_python; then return; fi
  say "Python 3.11 or newer is needed: install it, or name it: make setup PYTHON=/path/to/python3"
  return 1
}

ensure_venv_module() {
  has_venv "$1" && return
  local version
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  if can_install && { apt_install "python$version-venv" || apt_install python3-venv; } && has_venv "$1"; then return; fi
  say "$1 has no venv module: install it (Debian, Ubuntu: apt-get install python$version-venv) and run make again"
  return 1
}

# As root the embedded PostgreSQL runs as a system user of its own, who must be able to read the environment;
# a home directory is closed to it.
is_open() {
  local folder=$1
  while [ "$folder" != / ]; do
    case "$(stat -c %A "$folder")" in *[xt]) ;; *) return 1 ;; esac
    folder=$(dirname "$folder")
  done
}

venv_home() {
  if [ "$(id -u)" != 0 ] || is_open "$checkout"; then
    printf '%s\n' "$checkout/.venv"
  else
    printf '/var/lib/boss/%s/venv\n' "$(printf %s "$checkout" | sha256sum | cut -c1-12)"
  fi
}

make_venv() {
  local python home
  python=$(ensure_python)
  ensure_venv_module "$python"
  home=$(venv_home)
  say "making $home with $("$python" --version)"
  rm -rf .venv
  (umask 022 && mkdir -p "$(dirname "$home")" && "$python" -m venv --clear "$home")
  [ "$home" = "$checkout/.venv" ] || ln -s "$home" .venv
}

projects() { ls -d libs/*/pyproject.toml services/*/pyproject.toml deploy/pyproject.toml tests/bench/pyproject.toml 2>/dev/null || true; }

fingerprint() { { cat deploy/setup/setup.sh constraints.txt; projects; projects | xargs cat; } | sha256sum | cut -d' ' -f1; }

# What an earlier Python, or a moved checkout, left behind doesn't run.
venv_works() { .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && [ -e .venv/boss-made-for ] && [ "$(cat .venv/boss-made-for)" = "$checkout" ]; }

install() {
  local wanted editable=() project
  # An `if`, because after `||` bash would go on past a failure inside.
  if ! venv_works; then
    make_venv
    printf %s "$checkout" >.venv/boss-made-for
  fi
  wanted=$(fingerprint)
  [ "$(cat .venv/boss-installed 2>/dev/null)" != "$wanted" ] || return 0
  rm -f .venv/boss-installed
  # A caller's own pip settings (mirror, proxy, certificates) stay; only those that would install elsewhere don't.
  unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_NO_DEPS
  export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1
  local third_party
  third_party=$(sha256sum <constraints.txt)
  if [ "$(cat .venv/boss-third-party 2>/dev/null)" != "$third_party" ]; then
    say "installing the packages of constraints.txt"
    .venv/bin/python -m pip install --quiet --require-hashes -r constraints.txt
    printf %s "$third_party" >.venv/boss-third-party
  fi
  for project in $(projects); do editable+=(-e "./$(dirname "$project")"); done
  say "installing our own packages"
  .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation "${editable[@]}"
  printf %s "$wanted" >.venv/boss-installed
}

# Two runs in one checkout wait for each other.
if command -v flock >/dev/null 2>&1; then
  exec 9<"$checkout/Makefile"
  flock 9
fi
umask 022
install
.venv/bin/python deploy/setup/protos.py
