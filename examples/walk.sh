#!/usr/bin/env bash
# A walk through the HTTP API with curl alone: three people, one workflow, one run that they bring to its end, and what
# each wrong step is answered. `stead` is used to say who the people are and to serve; everything else is HTTP.
#
#   bash examples/walk.sh            # in an empty folder; `stead` and `curl` are found by PATH
set -euo pipefail
export STEAD_HOME=${STEAD_HOME:-$PWD/home}

# Who the people are, and a token for each. The first `people add` makes the one who runs this script an admin.
stead people add oz --role operator --role editor
stead people add ana --role approver --role viewer
stead people add bo --role viewer
token() { stead token create walk --user "$1" --json | sed -n 's/.*"secret": *"\([^"]*\)".*/\1/p'; }
OZ=$(token oz) ANA=$(token ana) BO=$(token bo)

# The server, on a free port. A public URL says that everybody shows a token, the one who runs it as well.
stead serve --listen 127.0.0.1:0 --public-url http://stead.example > serving &
server=$!
trap 'kill $server 2> /dev/null; wait $server 2> /dev/null || true' EXIT
until grep -qs listening serving; do sleep 0.05; done
url=$(sed -n 's/^listening at //p' serving | head -n 1)

# ask TOKEN METHOD PATH [BODY] - prints the status and then the body. @FILE is a file as body.
ask() {
  curl -sS -X "$2" -H "Authorization: Bearer $1" -H "Content-Type: ${TYPE:-application/json}" \
    ${4:+--data-binary "$4"} -w '\n%{http_code}' "$url/api/v1$3" |
    { body=$(cat); printf '%s %s\n' "${body##*$'\n'}" "${body%$'\n'*}"; }
}
# want STATUS TEXT ANSWER - that an answer has this status, and says this somewhere.
want() {
  case "$3" in
    "$1 "*"$2"*) echo "ok   $1 $2" ;;
    *) echo "FAIL wanted $1 $2, got: $3"; exit 1 ;;
  esac
}
field() { sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p" | head -n 1; }

echo "# Create it, from YAML"
cat > ship.yml << 'YAML'
stead: 1
name: ship
inputs: { version: { type: string } }
steps:
  - { id: build, run: [echo, "built ${{ inputs.version }}"] }
  - { id: review, approve: { title: "Ship ${{ inputs.version }}?", by: ["user:ana"] } }
  - id: where
    ask: { title: Where to?, by: ["user:bo"], questions: [{ id: place, text: Which machine? }] }
  - { id: ship, run: [echo, "shipped to ${{ steps.where.output.place }}"] }
outputs: { said: "${{ steps.ship.output }}" }
YAML
echo 'stead: 1
name: bad
steps: [{ id: a, runs: x }]' > bad.yml
export TYPE=application/yaml
want 403 R0503 "$(ask "$BO" POST /workflows @ship.yml)"
want 200 '"ok":true' "$(ask "$BO" POST /workflows:validate @ship.yml)"
want 201 ship "$(ask "$OZ" POST '/workflows?message=first' @ship.yml)"
want 422 diagnostics "$(ask "$OZ" POST /workflows @bad.yml)"
unset TYPE

echo "# Start it"
want 401 R0602 "$(ask wrong POST /runs '{"workflow": "ship"}')"
want 404 S0701 "$(ask "$OZ" POST /runs '{"workflow": "shop"}')"
want 422 version "$(ask "$OZ" POST /runs '{"workflow": "ship"}')"
started=$(ask "$OZ" POST /runs '{"workflow": "ship", "inputs": {"version": "1.2"}}')
want 201 run "$started"
run=$(field run <<< "$started")

echo "# Watch it, as server-sent events"
curl -sSN -H "Authorization: Bearer $OZ" -H 'Accept: text/event-stream' "$url/api/v1/runs/$run/events?until=end" > events &
watching=$!
until grep -qs '"type":"task_opened"' events; do sleep 0.05; done

echo "# Decide the gate: not everybody may, and not twice"
task=$(ask "$ANA" GET /tasks | field task)
want 409 "may not act on it" "$(ask "$BO" POST "/tasks/$task:decide" '{"accept": true}')"
want 200 accepted "$(ask "$ANA" POST "/tasks/$task:decide" '{"accept": true, "comment": "fine"}')"
want 409 ana "$(ask "$ANA" POST "/tasks/$task:decide" '{"accept": false}')"

echo "# Answer the question, as another"
until ask "$BO" GET /tasks | grep -q '"kind":"questions"'; do sleep 0.05; done
task=$(ask "$BO" GET /tasks | field task)
want 422 place "$(ask "$BO" POST "/tasks/$task:answer" '{"answers": {}}')"
want 200 completed "$(ask "$BO" POST "/tasks/$task:answer" '{"answers": {"place": "berlin"}}')"

echo "# The stream ends with the run, and the state says what came of it"
wait $watching
grep -q '"type":"run_completed"' events
want 200 '"said":"shipped to berlin"' "$(ask "$BO" GET "/runs/$run")"
want 409 current_status "$(ask "$OZ" POST "/runs/$run:cancel")"

echo "# Cancel another"
run=$(ask "$OZ" POST /runs '{"workflow": "ship", "inputs": {"version": "1.3"}}' | field run)
want 403 R0503 "$(ask "$BO" POST "/runs/$run:cancel")"
want 200 "$run" "$(ask "$OZ" POST "/runs/$run:cancel" '{"reason": "not this one"}')"
until ask "$OZ" GET "/runs/$run" | grep -q '"status":"cancelled"'; do sleep 0.05; done
want 404 R0201 "$(ask "$OZ" POST "/runs/r_none:cancel")"
echo "done"
