#!/usr/bin/env bash
# Runs every benchmark: the examples of the crates, each a file or a folder, whose name ends in `_bench`. Each prints its
# figures as ratios to what this machine can do at most.
set -euo pipefail

found=0
for path in crates/*/examples/*_bench.rs crates/*/examples/*_bench/main.rs; do
    [[ -e $path ]] || continue
    found=1
    crate=$(cut -d / -f 2 <<<"$path")
    name=$(basename "${path%/main.rs}" .rs)
    echo "== $name ($crate)"
    if [[ $crate == outrider ]]; then
        # It measures the program itself.
        cargo build --quiet --release --locked -p outrider
    fi
    cargo run --quiet --release --locked -p "$crate" --example "$name"
done
if ((found == 0)); then
    echo "bench: there are no benchmarks" >&2
    exit 1
fi
