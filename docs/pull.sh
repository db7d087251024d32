#!/usr/bin/env bash
# Pulls the events of a line PC into a folder, verifies their chain, and confirms them under a name of its own.
#
#   pull.sh URL NAME FOLDER [--once]        token: $LOTLINE_TOKEN        more of curl: $CURL_OPTIONS, such as --cacert FILE
#
# It begins with the line PC's current incarnation, and goes on with each one that follows. Events are in
# FOLDER/INCARNATION.ndjson, one a line, byte for byte as the line PC wrote them; FOLDER/position says how far it is. Each link is hash(n) = SHA-256(hash(n-1) + SHA-256(line n)), hash(0) is 32 zero bytes. Numbers that the line PC has
# not any more are written to FOLDER/lost. Where anything disagrees it stops with status 1 and confirms nothing.
# It needs bash, curl, sha256sum, sed and sync; made to be read, it takes some milliseconds a line.
set -euo pipefail

[ $# -ge 3 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 64; }
url=${1%/} name=$2 folder=$3 once=${4:-}
zero=$(printf '0%.0s' {1..64})
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

stop() { echo "pull.sh: $*" >&2; exit 1; }

ask() { # ask PATH: the body goes to $work/body, the headers to $work/head
  # shellcheck disable=SC2086
  curl --silent --show-error --fail-with-body --max-time 120 ${CURL_OPTIONS:-} \
    ${LOTLINE_TOKEN:+--header "Authorization: Bearer $LOTLINE_TOKEN"} \
    --dump-header "$work/head" --output "$work/body" "${@:2}" "$url$1" || stop "$url$1: $(cat "$work/body" 2>/dev/null)"
}

header() { sed -n "s/^$1: *\([^\r]*\)\r*$/\1/Ip" "$work/head" | tail -n 1; }

bytes() { printf "$(printf %s "$1" | sed 's/../\\x&/g')"; } # hex to bytes

digest() { sha256sum | cut -c 1-64; }

follow() { # follow HASH LINE: the hash after the line
  local own
  if [[ $2 =~ ^#[0-9a-f]{64}$ ]]; then own=${2:1}; else own=$(printf %s "$2" | digest); fi
  { bytes "$1"; bytes "$own"; } | digest
}

size() { stat --format %s "$folder/$1.ndjson" 2>/dev/null || echo 0; }

save() { # save INCARNATION NUMBER HASH: whole or not at all
  echo "$1 $2 $3 $(size "$1")" > "$folder/position.new"
  sync "$folder/position.new"
  mv "$folder/position.new" "$folder/position"
}

confirm() { # confirm INCARNATION NUMBER HASH SOURCE
  local receipt
  receipt=$(printf '{"source":"%s","incarnation":"%s","received_through":%s,"head":"%s","safe_through":%s}' \
    "$4" "$1" "$2" "$3" "$2")
  ask "/v1/consumers/$name" --request PUT --header 'Content-Type: application/json' --data "$receipt"
}

ask '/v1/events?limit=1'
newest=$(header Lotline-Incarnation)
if [ -e "$folder/position" ]; then
  read -r incarnation number hash end < "$folder/position"
  # What was written behind it when the power went was not noted, and comes again.
  [ "$(size "$incarnation")" = "$end" ] || truncate --size "$end" "$folder/$incarnation.ndjson"
else
  incarnation=$newest number=0 hash=$zero
fi

while true; do
  [ -n "$once" ] && wait=0 || wait=30
  ask "/v1/events?incarnation=$incarnation&after=$number&limit=500&wait=$wait" --header 'Accept: application/x-ndjson'
  first=$(header Lotline-First) previous=$(header Lotline-Previous) head=$(header Lotline-Head) lost=$(header Lotline-Lost)
  if [ -n "$lost" ]; then
    echo "$incarnation $lost" >> "$folder/lost"
    number=$((first - 1)) hash=$previous
  fi
  [ "$first" = $((number + 1)) ] || stop "events from $first on came where those from $((number + 1)) on were asked for"
  [ "$previous" = "$hash" ] || stop "event $number of $incarnation is another one than the one that was pulled"
  count=0 source=
  while IFS= read -r line; do
    hash=$(follow "$hash" "$line")
    count=$((count + 1))
    [ -n "$source" ] || source=$(printf %s "$line" | sed -n 's/^{"specversion":"1.0","id":"[^"]*","source":"\([^"]*\)".*/\1/p')
  done < "$work/body"
  [ "$hash" = "$head" ] || stop "the lines after event $number lead to $hash, not to $head: something in them was altered"
  number=$((number + count))
  if [ $count -gt 0 ]; then
    cat "$work/body" >> "$folder/$incarnation.ndjson"
    sync "$folder/$incarnation.ndjson"
  fi
  if [ $count -gt 0 ] || [ -n "$lost" ]; then save "$incarnation" "$number" "$hash"; fi
  if [ -n "$source" ]; then
    confirm "$incarnation" "$number" "$hash" "$source"
    echo "$incarnation: event $number, hash $hash"
    continue
  fi
  ask '/v1/events?limit=1'
  newest=$(header Lotline-Incarnation)
  if [ "$newest" != "$incarnation" ]; then
    incarnation=$newest number=0 hash=$zero
  elif [ -n "$once" ]; then
    exit 0
  fi
done
