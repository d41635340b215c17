#!/usr/bin/env bash
# Builds the console into web/dist, unless it is there and nothing changed. `tools/web.sh test` also runs the console's unit
# tests, and those in a browser against the server that OUTRIDER_BINARY names. What it needs `tools/install.sh` installs.
set -euo pipefail

cd "$(dirname "$0")/../web"

main() {
    install_modules
    is_built || npm run --silent build
    if [[ ${1:-} == test ]]; then
        run_tests
    fi
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
    npm run --silent test:browser
}

main "$@"
