#!/bin/sh
# Call the share gateway with nothing but sh, openssl and curl.
#
#   export GONGSHU_URL=http://127.0.0.1:8001      # where the gateway is
#   export GONGSHU_CLIENT_ID=...                  # your system's id
#   export GONGSHU_CLIENT_SECRET=...              # its secret, as shown when it was registered
#   export GONGSHU_CASE_NO=...                    # the case you work on, where the grant asks for it
#
#   client.sh GRANT name=value [name=value ...]   look up by key
#   client.sh GRANT/rows [after=N] [limit=N]      a page of rows; "next" of the answer is the next "after"
#   client.sh GRANT/quota                         what the grant allows and what is used
#   client.sh GRANT/schema                        items, keys, validity
#
# Prints the answer. Exit code 0 for an answer, 1 for a refusal (the problem document goes to standard error and
# says what to do), 2 for wrong use.
#
# What is signed: method, path, query, hex SHA-256 of the body, client id, milliseconds since 1970 and nonce, and
# the case number if one is sent; each on a line of its own, no line feed at the end. The signature is the Base64 of
# its HMAC-SHA-256 under the secret's UTF-8 bytes. Path, query and case number are signed exactly as they are sent.
#
# openssl is given the secret on its command line, where other users of the same machine can see it while it runs. Use
# client.py where that matters.
set -eu

if [ $# -lt 1 ]; then
    sed -n '2,15p' "$0" >&2
    exit 2
fi
: "${GONGSHU_URL:?set GONGSHU_URL, for example http://127.0.0.1:8001}"
: "${GONGSHU_CLIENT_ID:?set GONGSHU_CLIENT_ID}"
: "${GONGSHU_CLIENT_SECRET:?set GONGSHU_CLIENT_SECRET}"

encode() { # every byte as %XX: longer than need be, and never wrong
    printf '%s' "$1" | od -An -v -tx1 | tr -d '\n' | tr ' ' '%'
}

path="/share/v1/$1"
shift
query=
for pair in "$@"; do
    query="$query${query:+&}$(encode "${pair%%=*}")=$(encode "${pair#*=}")"
done

timestamp="$(date +%s)000"
nonce=$(openssl rand -hex 16)
body_digest=$(printf '' | openssl dgst -sha256 -r | cut -d ' ' -f 1)
case_no=
if [ -n "${GONGSHU_CASE_NO:-}" ]; then
    case_no=$(encode "$GONGSHU_CASE_NO")
fi

key=$(printf '%s' "$GONGSHU_CLIENT_SECRET" | od -An -v -tx1 | tr -d ' \n')
signature=$(
    printf '%s\n%s\n%s\n%s\n%s\n%s\n%s' \
        GET "$path" "$query" "$body_digest" "$GONGSHU_CLIENT_ID" "$timestamp" "$nonce${case_no:+
$case_no}" |
        openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary |
        openssl base64 -A
)

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
set -- -sS -o "$answer" -w '%{http_code}' \
    -H "X-Client-Id: $GONGSHU_CLIENT_ID" -H "X-Timestamp: $timestamp" \
    -H "X-Nonce: $nonce" -H "X-Signature: $signature" -H "Accept-Language: ${GONGSHU_LANG:-zh}"
if [ -n "$case_no" ]; then
    set -- "$@" -H "X-Case-No: $case_no"
fi
status=$(curl "$@" "$GONGSHU_URL$path${query:+?$query}") || exit 1
if [ "$status" = 200 ]; then
    cat "$answer"
    echo
else
    cat "$answer" >&2
    echo >&2
    exit 1
fi
