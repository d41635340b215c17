# `make run` builds and runs the server, `make test` checks and tests everything, `make bench` measures.
# Each first installs what is missing (Debian, Ubuntu); needed beforehand: git and make.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

# Further arguments of the server: make run ARGS="--config outrider.toml"
ARGS ?=

.PHONY: run test lint bench install

run: install
	@cargo build --release --locked -p outrider
	@echo
	@echo "The API is on http://127.0.0.1:8080, /metrics and the panel on http://127.0.0.1:8081 unless you configured"
	@echo "other addresses. All data is in ./data; data/ready.json says where devices may call. Ctrl-C stops."
	@echo "First device, first call: README.md. All settings: docs/configuration.md."
	@echo
	@cargo run --quiet --release --locked -p outrider -- serve --data-dir data $(ARGS)

test: lint
	@tools/test.sh

lint: install
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --locked --quiet -- -D warnings

bench: install
	@tools/bench.sh

install:
	@tools/install.sh
