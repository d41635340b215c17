#!/usr/bin/env bash
# Installs what building needs and this machine does not have: a C compiler (for SQLite), pkg-config, Rust; and with
# the argument `tests` what the tests need besides: PostgreSQL's server, openssl for its certificate, Python's venv and curl.
# For Debian and Ubuntu; elsewhere it only says what is missing.
set -euo pipefail

rust_needed=1.95
cargo_home=${CARGO_HOME:-~/.cargo}
# Where rustup puts cargo, on a machine whose PATH does not say so yet.
export PATH=$cargo_home/bin:$PATH

main() {
    local packages=()
    have cc || packages+=(gcc libc6-dev)
    have pkg-config || packages+=(pkg-config)
    if ! rust_is_new_enough; then
        have curl || packages+=(curl)
        [[ -e /etc/ssl/certs/ca-certificates.crt ]] || packages+=(ca-certificates)
    fi
    if [[ ${1-} == tests ]]; then
        have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || packages+=(postgresql)
        have openssl || packages+=(openssl)
        python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3 python3-venv)
        have curl || packages+=(curl)
    fi
    if ((${#packages[@]})); then
        install_packages "${packages[@]}"
    fi
    rust_is_new_enough || install_rust
}

have() { command -v "$1" >/dev/null; }

fail() {
    echo "install: $1" >&2
    exit 1
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

rust_is_new_enough() {
    have cargo || return 1
    local version
    version=$(cargo --version | cut -d ' ' -f 2)
    [[ $(printf '%s\n' "$rust_needed" "$version" | sort -V | head -n 1) == "$rust_needed" ]]
}

install_rust() {
    echo "installing Rust (rustup, into $cargo_home)"
    local installer
    installer=$(mktemp)
    # Debian has rustup only since 13; the official installer works on all.
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs -o "$installer" ||
        fail "Rust $rust_needed or newer is needed and sh.rustup.rs cannot be reached: see https://rustup.rs"
    sh "$installer" -y -q --profile minimal --component rustfmt,clippy --default-toolchain stable --no-modify-path ||
        fail "the installer of Rust failed: see https://rustup.rs"
    rm "$installer"
    rust_is_new_enough || fail "the Rust that was installed is older than $rust_needed"
}

main "$@"
