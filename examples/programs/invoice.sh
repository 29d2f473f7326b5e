#!/bin/sh
# An agent in plain sh that survives its worker: what it has done is not done again. Run it with
#   taskrun worker --exec-jsonl invoice="sh examples/programs/invoice.sh" --exec-steps invoice
# LEDGER names a file in which it writes what it does.
set -eu
read -r input

# Asks on descriptor 4; the answer is on descriptor 3.
ask() {
  printf '%s\n' "$1" >&4
  IFS= read -r answer <&3
}

# durable NAME EFFECT COMMAND…: sets result to what the command prints, which is JSON, or printed in an earlier run.
durable() {
  name=$1 effect=$2
  shift 2
  ask "{\"step\": \"$name\", \"effect\": \"$effect\"}"
  number=$(printf '%s' "$answer" | sed -n 's/^{"do":\([0-9]*\)}$/\1/p')
  if [ -n "$number" ]; then
    result=$("$@")
    ask "{\"done\": $number, \"result\": $result}"
  else
    result=$(printf '%s' "$answer" | sed -n 's/^{"result":\(.*\)}$/\1/p')
  fi
}

number() {
  echo number >>"$LEDGER"
  echo '"2026-17"'
}

draft() {
  echo draft >>"$LEDGER"
  sleep "${SLOW:-0}"
  printf '{"number": %s, "for": %s}\n' "$1" "$input"
}

charge() {
  echo charge >>"$LEDGER"
  echo true
}

durable number read number
invoice_number=$result
durable draft idempotent draft "$invoice_number"
invoice=$result

# While it waits it is ended, and started again when somebody has sent the signal.
ask '{"signal": "approved"}'
approval=$(printf '%s' "$answer" | sed -n 's/^{"result":\(.*\)}$/\1/p')

durable charge once charge
printf '{"result": {"invoice": %s, "approved": %s, "charged": %s}}\n' "$invoice" "$approval" "$result"
