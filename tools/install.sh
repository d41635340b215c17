#!/usr/bin/env bash
# Installs what building needs and this machine does not have: a C compiler (for SQLite), pkg-config, Rust, Node.js; and with
# the argument `tests` what the tests need besides: PostgreSQL's server, openssl for its certificate, Python's venv, curl and
# Chromium. For Debian and Ubuntu; elsewhere it only says what is missing.
set -euo pipefail

rust_needed=1.95
# What Vite needs: 20.19 of the 20s, or 22.12 and newer.
node_needed=20.19
cargo_home=${CARGO_HOME:-~/.cargo}
tools=$(dirname "$(realpath "$0")")
# Where rustup puts cargo, and npm our own Node.js, as the Makefile's PATH says too.
export PATH=$tools/node/node_modules/.bin:$cargo_home/bin:$PATH

main() {
    local packages=()
    have cc || packages+=(gcc libc6-dev)
    have pkg-config || packages+=(pkg-config)
    if ! rust_is_new_enough; then
        have curl || packages+=(curl)
        [[ -e /etc/ssl/certs/ca-certificates.crt ]] || packages+=(ca-certificates)
    fi
    if ! node_is_new_enough; then
        have npm || packages+=(nodejs npm)
        [[ -e /etc/ssl/certs/ca-certificates.crt ]] || packages+=(ca-certificates)
    fi
    if [[ ${1-} == tests ]]; then
        have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || packages+=(postgresql)
        have openssl || packages+=(openssl)
        python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3 python3-venv)
        have curl || packages+=(curl)
        [[ -n ${CHROMIUM:-} ]] || have chromium || packages+=(chromium)
    fi
    if ((${#packages[@]})); then
        install_packages "${packages[@]}"
    fi
    rust_is_new_enough || install_rust
    node_is_new_enough || install_node
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
    is_at_least "$rust_needed" "$version"
}

node_is_new_enough() {
    have node && have npm || return 1
    local version
    version=$(node --version)
    is_at_least "$node_needed" "${version#v}"
}

is_at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

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

# Debian 12 and Ubuntu 24.04 have an older one; npm has newer ones among its packages.
install_node() {
    echo "installing Node.js (into tools/node)"
    npm ci --prefix "$tools/node" --no-audit --no-fund --loglevel=error ||
        fail "Node.js $node_needed or newer is needed and npm's package of it cannot be installed: see https://nodejs.org"
    # Debian's npm 9 takes the link away again with the package for the other processor.
    ln -sf "$(realpath "$tools"/node/node_modules/node-linux-*/bin/node)" "$tools/node/node_modules/.bin/node"
    # Bash remembers where the older one is.
    hash -r
    node_is_new_enough || fail "the Node.js that was installed is older than $node_needed"
}

main "$@"
