#!/usr/bin/env bash
# Gives a test a database of its own in a private PostgreSQL: prints its URL. The server is started by the first test
# that asks and ends by itself soon after the last, also when tests are killed.
#
#   test-postgres.sh create STATE    STATE is a folder of the caller's; the caller holds a shared lock on STATE/users
#                                    until its process ends
#   test-postgres.sh drop STATE URL
set -euo pipefail

readonly state=$2

main() {
    case $1 in
    create)
        # One at a time. What is started must not inherit the lock.
        exec 8>"$state/start"
        flock 8
        running || start 8>&-
        local name=test_$$_$RANDOM
        sql "CREATE DATABASE $name"
        echo "$(<"$state/server")/$name?sslmode=disable"
        ;;
    drop) sql "DROP DATABASE $(basename "${3%%\?*}") WITH (FORCE)" ;;
    supervise) supervise ;;
    esac
}

running() {
    [[ -e $state/server ]] && "$(programs)/pg_isready" --quiet --timeout 60 --dbname "$(<"$state/server")/postgres"
}

sql() { "$(programs)/psql" --quiet --no-psqlrc --command "$1" "$(<"$state/server")/postgres?sslmode=disable"; }

start() {
    remove_remains
    local folder password port
    folder=$(mktemp -d "${TMPDIR:-/tmp}/outrider-postgres.XXXXXX")
    echo "$folder" >"$state/folder"
    setsid "$0" supervise "$state" </dev/null >/dev/null 2>&1 &
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    (umask 077 && echo "$password" >"$folder/password")
    make_certificate "$folder"
    ((EUID != 0)) || chown -R postgres "$folder"
    local collation=(--locale C)
    if as_server initdb --help | grep --quiet -e --icu-locale; then
        # That of a language, as in most installations: what the catalog answers must not depend on it.
        collation+=(--locale-provider icu --icu-locale en)
    fi
    as_server initdb --pgdata "$folder/data" --username outrider --pwfile "$folder/password" --auth scram-sha-256 \
        --encoding UTF8 "${collation[@]}" --no-sync >/dev/null
    configure "$folder" >>"$folder/data/postgresql.conf"
    for _ in {1..10}; do
        port=$((20000 + RANDOM % 12000))
        # Fails when the port is taken.
        if as_server pg_ctl start --wait --silent -D "$folder/data" -l "$folder/log" -o "-p $port" 2>/dev/null; then
            (umask 077 && echo "postgres://outrider:$password@127.0.0.1:$port" >"$state/server")
            return
        fi
    done
    cat "$folder/log" >&2
    exit 1
}

configure() {
    cat <<END
# Nothing here is worth keeping.
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
shared_buffers = 32MB
# Every catalog may hold 16.
max_connections = 1000
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
ssl = on
ssl_cert_file = '$1/certificate.pem'
ssl_key_file = '$1/key.pem'
END
}

# Ends the server when no test holds the lock. One that comes now waits, and then starts its own.
supervise() {
    exec 9<"$state/users"
    # Tests follow each other: the next may come in a moment.
    until sleep 1 && flock --nonblock 9; do :; done
    remove_remains
}

remove_remains() {
    [[ -e $state/folder ]] || return 0
    local folder
    folder=$(<"$state/folder")
    if [[ -e $folder/data/postmaster.pid ]]; then
        as_server pg_ctl stop --silent -D "$folder/data" -m immediate || true
    fi
    rm -rf "$folder" "$state/folder" "$state/server" "$state/certificate.pem"
}

make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -keyout "$1/key.pem" -out "$1/certificate.pem" -config <(printf '%s\n' '[req]' distinguished_name=name \
        x509_extensions=extensions '[name]' '[extensions]' subjectAltName=IP:127.0.0.1) 2>/dev/null
    cp "$1/certificate.pem" "$state/"
}

# PostgreSQL refuses to run as root.
as_server() {
    local program
    program=$(programs)/$1
    if ((EUID == 0)); then
        runuser --user postgres -- "$program" "${@:2}"
    else
        "$program" "${@:2}"
    fi
}

# Debian keeps the server's programs out of PATH.
programs() {
    local folder
    for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort --reverse); do
        [[ ! -x $folder/initdb ]] || { echo "$folder" && return; }
    done
    dirname "$(command -v initdb)" || { echo "PostgreSQL is missing: apt-get install postgresql" >&2 && return 1; }
}

cd /
main "$@"
