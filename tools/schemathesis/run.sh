#!/usr/bin/env bash
# Calls every action as /openapi.json describes it, with right and with wrong parameters, against a running server that
# has one fresh account; fails on an error of the server and on an answer that the description does not know. Ids are
# narrowed to 1 to 4, so that calls find what there is. The last line counts the two runs, as a user and as the panel.
#     tools/schemathesis/run.sh [examples per action]
# With a number it is thorough: so many examples of each action, and besides each limit of each parameter by itself, which
# takes minutes; without one it takes a minute. OUTRIDER_BINARY names the server (else it is built), SEED the
# sequence of examples. Needs curl and python3 with venv; what requirements.txt names comes from PyPI, once.
set -euo pipefail

cd "$(dirname "$0")/../.."
examples=${1:-10}
phases=examples,fuzzing${1:+,coverage}
seed=${SEED:-1}

# What would end the sessions that the run needs, or the user that it calls as; and what is no call.
excluded=(
    /user/logout
    /user/session/renew
    /user/password/set
    /panel/account/logout
    /panel/user/change_password
    /panel/user/corrupt
    /panel/user/update
    /event/subscription
)

folder=$(mktemp -d)
server=
finish() {
    if [[ $server ]]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || true
    fi
    rm -rf "$folder"
}
trap finish EXIT

main() {
    install
    start
    local user panel
    panel=$(call panel/account/auth '{"login": "admin", "password": "panel-password"}' | field hash)
    call panel/user/create "{\"hash\": \"$panel\", \"user\": {\"login\": \"anna\"}, \"password\": \"user-password\"}" >/dev/null
    user=$(call user/auth '{"login": "anna", "password": "user-password"}' | field hash)
    call tracker/register "{\"hash\": \"$user\", \"label\": \"Van\", \"group_id\": 0, \"plugin_id\": 44, \"model\": \"telfmb920\",
        \"device_id\": \"356307042441013\"}" >/dev/null
    description >"$folder/openapi.json"
    # The panel's actions last: they can change the account's user.
    local failed=0
    try "$user" --exclude-path-regex '^/panel/' || failed=1
    try "$panel" --include-path-regex '^/panel/' || failed=$((failed + 1))
    echo "test result: every action as it is described: $((2 - failed)) passed; $failed failed"
    return "$failed"
}

install() {
    local requirements=tools/schemathesis/requirements.txt folder
    folder=${CARGO_TARGET_DIR:-target}/schemathesis-$(sha256sum <"$requirements" | head -c 16)
    if [[ ! -e $folder/complete ]]; then
        python3 -m venv --clear "$folder"
        "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"
        touch "$folder/complete"
    fi
    schemathesis=$(realpath "$folder/bin/st")
}

start() {
    local binary=${OUTRIDER_BINARY:-}
    if [[ -z $binary ]]; then
        cargo build --locked -p outrider
        binary=${CARGO_TARGET_DIR:-target}/debug/outrider
    fi
    binary=$(realpath "$binary")
    {
        printf '[http]\nlisten = "127.0.0.1:0"\nrate_limit = 1000000\n[admin]\nlisten = "127.0.0.1:0"\n'
        printf '[panel]\npassword = "panel-password"\n[devices]\nany = 0\n[devices.ports]\n'
        "$binary" protocols | awk '{ print $1 " = 0" }'
    } >"$folder/outrider.toml"
    mkfifo "$folder/log"
    "$binary" serve --config "$folder/outrider.toml" --data-dir "$folder/data" 2>"$folder/log" &
    server=$!
    exec 3<"$folder/log"
    local line=
    until [[ $line == *' ready '* ]]; do
        read -r line <&3 || { echo "schemathesis: the server did not start: $line" >&2; exit 1; }
    done
    cat <&3 >"$folder/outrider.log" &
    address=$(field http <"$folder/data/ready.json")
}

call() { curl --silent --show-error --json "$2" "http://$address/v2/$1"; }

# A field of the JSON object on standard input.
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# What the server says of itself, with ids that some objects have.
description() {
    curl --silent --show-error --fail "http://$address/openapi.json" | python3 -c '
import json, sys

def narrow(name, schema):
    if schema.get("type") == "integer" and (name == "id" or name.endswith("_id")):
        schema.update(minimum=1, maximum=4)
    if name == "trackers" or name.endswith("_ids"):
        narrow("id", schema.get("items", {}))
    for name, inner in schema.get("properties", {}).items():
        narrow(name, inner)
    for inner in schema.get("oneOf", []) + schema.get("anyOf", []):
        narrow(name, inner)

description = json.load(sys.stdin)
for path in description["paths"].values():
    for operation in path.values():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            narrow("", content["schema"])
json.dump(description, sys.stdout)
'
}

try() {
    local hash=$1 path options=()
    shift
    for path in "${excluded[@]}"; do options+=(--exclude-path "$path"); done
    # It leaves files where it runs.
    (cd "$folder" && "$schemathesis" --no-color run openapi.json --url "http://$address/v2" \
        --header "Authorization: NVX $hash" "$@" "${options[@]}" \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --phases "$phases" --max-examples "$examples" --seed "$seed" --generation-database none \
        --continue-on-failure --suppress-health-check all --warnings off --request-timeout 30)
}

main
