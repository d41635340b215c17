#!/usr/bin/env bash
# Runs every benchmark: the examples of the crates whose name ends in `_bench`. Each prints its figures as ratios to
# what this machine can do at most.
set -euo pipefail

found=0
for file in crates/*/examples/*_bench.rs; do
    [[ -e $file ]] || continue
    found=1
    crate=$(cut -d / -f 2 <<<"$file")
    name=$(basename "$file" .rs)
    echo "== $name ($crate)"
    cargo run --quiet --release --locked -p "$crate" --example "$name"
done
if ((found == 0)); then
    echo "bench: there are no benchmarks" >&2
    exit 1
fi
