#!/usr/bin/env bash
# Builds the console into web/dist, unless it is there and nothing changed; installs Node.js where it is missing
# (Debian, Ubuntu). `tools/web.sh test` also runs the console's unit tests, and those in a browser against the server
# that OUTRIDER_BINARY names.
set -euo pipefail

cd "$(dirname "$0")/../web"
# What Vite needs: 20.19 of the 20s, or 22.12 and newer.
node_needed=20.19

main() {
    node_is_new_enough || install_node
    install_modules
    is_built || npm run --silent build
    if [[ ${1:-} == test ]]; then
        run_tests
    fi
}

have() { command -v "$1" >/dev/null; }

fail() {
    echo "web: $1" >&2
    exit 1
}

node_is_new_enough() {
    have node && have npm || return 1
    local version
    version=$(node --version)
    is_at_least "$node_needed" "${version#v}"
}

is_at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

install_node() {
    ! have node || fail "Node.js $node_needed or newer is needed, here is $(node --version): see https://nodejs.org"
    install_packages nodejs npm
    node_is_new_enough || fail "this system's Node.js is older than $node_needed: see https://nodejs.org"
}

install_packages() {
    have apt-get || fail "please install: $*"
    echo "installing $*"
    local as_root=()
    if ((EUID != 0)); then
        have sudo || fail "as root, please: apt-get install $*"
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

install_modules() {
    # npm writes this file last.
    [[ node_modules/.package-lock.json -nt package-lock.json ]] || npm ci --no-audit --no-fund --loglevel=error
}

is_built() {
    [[ -e dist/index.html ]] || return 1
    local changed
    changed=$(find src scripts public ../docs/openapi.json index.html package-lock.json package.json tsconfig.json vite.config.ts \
        \( -path public/map -o -path src/api/schema.ts \) -prune -o -newer dist/index.html -type f -print -quit)
    [[ -z $changed ]]
}

run_tests() {
    npm run --silent test
    [[ -n ${OUTRIDER_BINARY:-} ]] || return 0
    [[ -n ${CHROMIUM:-} ]] || have chromium || install_packages chromium
    npm run --silent test:browser
}

main "$@"
