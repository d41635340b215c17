# `make run` builds and runs the demo, `make test` checks and tests everything, `make bench` measures.
# Each first installs what is missing (Debian, Ubuntu); needed beforehand: git and make.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(CURDIR)/tools/node/node_modules/.bin:$(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

# Further arguments of the server: make run ARGS="--config outrider.toml"
ARGS ?=

.PHONY: run test lint bench console install

run: install console
	@cargo build --release --locked -p outrider
	@target/release/outrider serve --demo $(ARGS)

test: lint console
	@tools/test.sh

console: install
	@tools/web.sh

lint: install
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --locked --quiet -- -D warnings

bench: install
	@tools/bench.sh

install:
	@tools/install.sh
