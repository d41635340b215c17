#!/usr/bin/env bash
# Runs all tests; the last line counts them.
set -euo pipefail

tools/install.sh tests

# The message centre that short messages are tested against; Node.js is there, the console needs it too.
[[ tools/smpp/node_modules/.package-lock.json -nt tools/smpp/package-lock.json ]] ||
    npm ci --prefix tools/smpp --no-audit --no-fund --loglevel=error

log=$(mktemp)
trap 'rm -f "$log"' EXIT

rust() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --workspace --locked --no-fail-fast --color never
    else
        cargo test --workspace --all-targets --locked --no-fail-fast --color never
    fi
}

# The console, also in a browser, against the server that was just tested.
console() { NO_COLOR=1 OUTRIDER_BINARY=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/outrider tools/web.sh test; }

# Every action as /openapi.json describes it, against the same server. SCHEMATHESIS_EXAMPLES asks for a long run.
description() {
    OUTRIDER_BINARY=${CARGO_TARGET_DIR:-target}/debug/outrider tools/schemathesis/run.sh ${SCHEMATHESIS_EXAMPLES-}
}

status=0
for suite in rust console description; do
    "$suite" 2>&1 | tee -a "$log" || status=$?
done

# All runners say "19 passed" and "1 failed" in their summaries; there are several.
count() { { grep -E '^(test result:| *Summary | *Tests )' "$log" || true; } | { grep -oE "[0-9]+ $1" || true; } | awk '{ n += $1 } END { print n + 0 }'; }

passed=$(count passed) failed=$(count failed)
if ((passed == 0)); then
    status=1
fi
echo "$passed passed, $failed failed"
exit "$status"
