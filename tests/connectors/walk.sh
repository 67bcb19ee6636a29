#!/bin/sh
# From the catalogue to a broken credential, as a user of the API does it: with curl (7.75 or newer) and a shell.
#
#   JOBSPRINT_URL, JOBSPRINT_TOKEN             the API, as .local/env says
#   AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, JOBSPRINT_RUN_HEALTH_TESTS_FUNCTION
#                                              the local stack, as .local/env says
#   ZAPIER_URL                                 an MCP server of Zapier's shape that wants OAuth
#   N8N_URL, N8N_EMAIL, N8N_PASSWORD           an n8n and its owner, with MCP access, and with a workflow `Greet someone`
#                                              that is tagged `walk` and exposed to MCP
#   HOOK_URL                                   keeps what is posted to it, and gives it on GET as a JSON list
#   HOOK_SECONDS                               how long to wait for an event there (60)
#
# Ends with status 0 if every answer was right, otherwise at the first that was not.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM HUP

# --- Tools -----------------------------------------------------------------------------------------------------------

say() { printf '%s\n' "$*"; }

fail() {
  say "  FAILED: $*" >&2
  exit 1
}

# call METHOD PATH [BODY]: whatever our API answers.
call() {
  call_method=$1 call_path=$2
  shift 2
  curl -sS --max-time 60 -X "$call_method" "$JOBSPRINT_URL$call_path" \
    -H "Authorization: Bearer $JOBSPRINT_TOKEN" -H 'Content-Type: application/json' ${1+--data "$1"}
}

# api METHOD PATH [BODY]: what it answers, which has to be a success.
api() {
  api_answer=$(call "$@")
  case $api_answer in
    '{"success":true,'*) say "$api_answer" ;;
    *) fail "$1 $2 answered $api_answer" ;;
  esac
}

# n8n METHOD PATH [BODY]: what n8n's editor is answered, with the owner's cookie.
n8n() {
  n8n_method=$1 n8n_path=$2
  shift 2
  curl -sS --fail --max-time 30 -X "$n8n_method" "$N8N_URL/rest/$n8n_path" -b "$folder/cookies" -c "$folder/cookies" \
    -H 'browser-id: walk' -H 'Content-Type: application/json' ${1+--data "$1"} ||
    fail "n8n refused $n8n_method $n8n_path"
}

# field NAME JSON: the first text, number or word of that name; a text ends at its first quotation mark.
field() {
  say "$2" | tr -d '\n' | sed "s/\"$1\" *: */\\
/" | sed -n -e '2{' -e 's/^"\([^"]*\)".*/\1/p' -e t -e 's/^\([^],}]*\).*/\1/p' -e '}'
}

# show NAME JSON: there is such a field, and this is it.
show() {
  show_found=$(field "$1" "$2")
  [ -n "$show_found" ] || fail "there is no $1 in $2"
  say "  $1: $show_found"
}

# is NAME VALUE JSON: that field has that value.
is() {
  is_found=$(field "$1" "$3")
  [ "$is_found" = "$2" ] || fail "$1 is '$is_found' and not '$2' in $3"
  say "  $1: $2"
}

# has TEXT WHOLE: the text is part of it.
has() {
  case $2 in
    *"$1"*) say "  $1" ;;
    *) fail "'$1' is not in $2" ;;
  esac
}

# redirect URL: where a GET is sent on to. A browser would go there.
redirect() {
  redirect_seen=$(curl -sS --max-time 30 -o "$folder/body" -w '%{http_code} %{redirect_url}' "$1")
  case $redirect_seen in
    '302 '*) say "${redirect_seen#302 }" ;;
    *) fail "$1 answered $redirect_seen $(cat "$folder/body")" ;;
  esac
}

# told EVENT ID: waits for the event about that integration, and gives what was posted.
told() {
  told_left=${HOOK_SECONDS:-60}
  while :; do
    # One line for each event, without those about other integrations.
    told_event=$(curl -sS --max-time 10 "$HOOK_URL" | sed 's/{"event"/\
&/g' | grep -F "{\"event\":\"$1\"" | grep -F "$2" | sed -n '$p') || :
    [ -z "$told_event" ] || break
    [ "$told_left" -gt 0 ] || fail "no $1 about $2 was received"
    told_left=$((told_left - 1))
    sleep 1
  done
  say "$told_event"
}

# --- The catalogue ---------------------------------------------------------------------------------------------------

say '1. Find slack in the catalogue'
answer=$(api GET '/integrations/available?query=slack')
is id zapier_slack "$answer"
has '"n8n_slack"' "$answer"

say '2. Subscribe a webhook to what happens to integrations'
answer=$(api POST /integrations/webhooks "{\"name\":\"Walk\",\"url\":\"$HOOK_URL\",\"events\":[\"integration.*\"]}")
webhook=$(field id "$answer")
is active true "$answer"

# --- Zapier's shape, by OAuth ----------------------------------------------------------------------------------------

say '3. Connect zapier_slack by OAuth'
back=http://localhost:3000/done
answer=$(api POST /integrations/zapier_slack/connect \
  "{\"authType\":\"oauth\",\"redirectUrl\":\"$back\",\"serverUrl\":\"$ZAPIER_URL\"}")
is status pending "$answer"
slack=$(field id "$answer")
consent=$(field authUrl "$answer")

say '4. Give consent, and follow the way back'
callback=$(redirect "$consent")
has "$JOBSPRINT_URL/integrations/oauth/callback/" "$callback"
arrived=$(redirect "$callback")
case $arrived in
  "$back?"*) ;;
  *) fail "the way back ends at $arrived" ;;
esac
has "integrationId=$slack" "$arrived"
has status=connected "$arrived"
is status connected "$(api GET "/integrations/$slack")"
again=$(curl -sS --max-time 30 "$callback")
is code invalid_state "$again"
event=$(told integration.connected "$slack")
is event integration.connected "$event"

say '5. Run its action, and read the log'
answer=$(api POST "/integrations/$slack/actions/send_channel_message" \
  '{"parameters":{"channel":"#general","text":"Hello from Jobsprint!"}}')
is success true "${answer#*\"result\":}"
is messageId msg_xyz789 "$answer"
answer=$(api GET "/integrations/$slack/logs")
is action send_channel_message "$answer"
is status success "$answer"
has 'Hello from Jobsprint!' "$answer"

# --- A real n8n ------------------------------------------------------------------------------------------------------

say '6. Make an API key and an MCP token in n8n, as its owner'
n8n POST login "{\"emailOrLdapLoginId\":\"$N8N_EMAIL\",\"password\":\"$N8N_PASSWORD\"}" >"$folder/body"
answer=$(n8n POST api-keys '{"label":"walk '"$$"'","expiresAt":null,
  "scopes":["workflow:list","workflow:read","execution:list","execution:read"]}')
key=$(field rawApiKey "$answer")
key_id=$(field id "$answer")
answer=$(n8n POST mcp/api-key/rotate '{}')
mcp_token=$(field apiKey "$answer")
[ -n "$key" ] && [ -n "$key_id" ] && [ -n "$mcp_token" ] || fail 'n8n gave no key'

say '7. Connect that n8n'
answer=$(api POST /integrations/n8n_workflows/connect \
  "{\"baseUrl\":\"$N8N_URL\",\"apiKey\":\"$key\",\"mcpToken\":\"$mcp_token\",\"tags\":[\"walk\"]}")
is status connected "$answer"
workflows=$(field id "$answer")
has '"greet_someone"' "$(api GET "/integrations/$workflows")"

say '8. Run a workflow, and see its execution in our log and in n8n'
answer=$(api POST "/integrations/$workflows/actions/greet_someone" '{"parameters":{"name":"Ada"}}')
has '"items":[' "$answer" # what n8n's execute_workflow gives, and a webhook does not
is greeting 'Hello Ada' "$answer"
execution=$(field executionId "$answer")
answer=$(api GET "/integrations/$workflows/logs")
is action greet_someone "$answer"
is executionId "$execution" "$answer"
answer=$(curl -sS --fail --max-time 30 -H "X-N8N-API-KEY: $key" "$N8N_URL/api/v1/executions/$execution") ||
  fail "n8n has no execution $execution"
is id "$execution" "$answer"
is status success "$answer"

# --- A broken credential ---------------------------------------------------------------------------------------------

say '9. Test the connection, revoke the key in n8n, and let the scheduled test find it'
is status healthy "$(api POST "/integrations/$workflows/test")"
n8n DELETE "api-keys/$key_id" >"$folder/body"
# The function that the schedule starts, started now.
answer=$(curl -sS --fail --max-time 60 -X POST --data '{}' \
  --aws-sigv4 "aws:amz:$AWS_REGION:lambda" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
  "$AWS_ENDPOINT_URL/2015-03-31/functions/$JOBSPRINT_RUN_HEALTH_TESTS_FUNCTION/invocations") ||
  fail 'the scheduled function could not be started'
case $answer in *errorMessage*) fail "the scheduled function said $answer" ;; esac
event=$(told integration.unhealthy "$workflows")
is event integration.unhealthy "$event"
is reason credential_rejected "$event"

say '10. See what is wrong, and what to do'
answer=$(api GET "/integrations/$workflows")
is status error "$answer"
is reason credential_rejected "$answer"
show nextStep "$answer"
answer=$(api POST "/integrations/$workflows/test")
is status unhealthy "$answer"
is passed false "$answer"
is reason credential_rejected "$answer"
show nextStep "$answer"
answer=$(call POST "/integrations/$workflows/actions/greet_someone" '{"parameters":{}}')
is code credential_rejected "$answer"

say '11. Connect again with a new key'
answer=$(n8n POST api-keys '{"label":"walk again '"$$"'","expiresAt":null,"scopes":["workflow:list","workflow:read"]}')
key=$(field rawApiKey "$answer")
is status connected "$(api POST "/integrations/$workflows/connect" "{\"apiKey\":\"$key\"}")"
is status healthy "$(api POST "/integrations/$workflows/test")"

say '12. Disconnect, and take the webhook away'
is status disconnected "$(api POST "/integrations/$slack/disconnect")"
is status disconnected "$(api POST "/integrations/$workflows/disconnect")"
api DELETE "/integrations/webhooks/$webhook" >"$folder/body"
say 'Every answer was right.'
