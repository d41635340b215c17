#!/usr/bin/env bash
# Runs all tests; the last line counts them.
set -euo pipefail

tools/install.sh postgresql

log=$(mktemp)
trap 'rm -f "$log"' EXIT

run() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --workspace --locked --no-fail-fast --color never
    else
        cargo test --workspace --all-targets --locked --no-fail-fast --color never
    fi
}

status=0
run 2>&1 | tee "$log" || status=$?

# Both runners say "19 passed" and "1 failed" in their summaries; cargo test prints one for each crate.
count() { { grep -E '^(test result:| *Summary )' "$log" || true; } | { grep -oE "[0-9]+ $1" || true; } | awk '{ n += $1 } END { print n + 0 }'; }

passed=$(count passed) failed=$(count failed)
if ((passed == 0)); then
    status=1
fi
echo "$passed passed, $failed failed"
exit "$status"
