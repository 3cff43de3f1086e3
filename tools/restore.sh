#!/usr/bin/env bash
# Put a restored copy of the table into a stack, in steps (docs/runbook.md explains them):
#
#   STACK=vectorgate tools/restore.sh stop              stop all writers
#   STACK=vectorgate tools/restore.sh copy TABLE        restore to TABLE, a new one; [MOMENT] such as 2026-11-28T03:00:00Z
#   STACK=vectorgate BUCKET=any tools/restore.sh import TABLE
#   STACK=vectorgate tools/restore.sh start             enable all writers again
#
# `copy` can take hours. A step that failed may be run again. `import` keeps the deployed template as before.json in the
# folder restore-TABLE, and reads it there when it is run again.
set -euo pipefail
: "${STACK:?names the stack}"
functions=(ApiFunction StreamFunction InvokeFunction AdminFunction MeterFunction)
templates=$(cd "$(dirname "$0")" && pwd)/restore_templates.py

output() {
  aws cloudformation describe-stacks --stack-name "$STACK" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}

named() { # a function, without its alias: concurrency is all versions'
  local found
  found=$(output "$1")
  echo "${found%%:*}"
}

mappings() { # --enabled or --no-enabled
  local function id
  for function in UsageLoggerFunction IngestFunction; do
    for id in $(aws lambda list-event-source-mappings --function-name "$(output "$function")" \
      --query 'EventSourceMappings[].UUID' --output text); do
      aws lambda update-event-source-mapping --uuid "$id" "$1"
    done
  done
}

parameter() {
  aws cloudformation describe-stacks --stack-name "$STACK" --output text \
    --query "Stacks[0].Parameters[?ParameterKey=='$1'].ParameterValue"
}

reserve() { # FUNCTION NUMBER; a stack without StreamingUrl has no StreamFunction
  local name
  name=$(named "$1")
  [ -z "$name" ] || aws lambda put-function-concurrency --function-name "$name" --reserved-concurrent-executions "$2"
}

release() { # FUNCTION [PARAMETER, what the stack reserves for it]
  local name number=0
  name=$(named "$1")
  [ -n "$name" ] || return 0
  [ $# -lt 2 ] || number=$(parameter "$2")
  case "$number" in
    "" | 0) aws lambda delete-function-concurrency --function-name "$name" ;;
    *) reserve "$1" "$number" ;;
  esac
}

stop() {
  local function
  for function in "${functions[@]}"; do
    reserve "$function" 0
  done
  mappings --no-enabled
  date -u
}

start() {
  mappings --enabled
  release ApiFunction ApiConcurrency
  release StreamFunction StreamingConcurrency
  release InvokeFunction
  release AdminFunction
  release MeterFunction
}

ready() { # the waiter gives up after eight minutes
  until aws dynamodb wait table-exists --table-name "$1"; do sleep 20; done
}

copy() {
  local old moment=(--use-latest-restorable-time)
  [ $# -lt 2 ] || moment=(--restore-date-time "$2")
  old=$(output TableName)
  aws dynamodb describe-table --table-name "$1" >/dev/null 2>&1 || aws dynamodb restore-table-to-point-in-time \
    --source-table-name "$old" --target-table-name "$1" "${moment[@]}"
  ready "$1"
  if [ "$(aws dynamodb describe-table --table-name "$1" --output json \
    --query Table.StreamSpecification.StreamEnabled)" != true ]; then
    aws dynamodb update-table --table-name "$1" \
      --stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE
    ready "$1"
  fi
  aws dynamodb update-table --table-name "$1" --deletion-protection-enabled
  ready "$1"
  [ "$(aws dynamodb describe-time-to-live --table-name "$1" --output text \
    --query TimeToLiveDescription.TimeToLiveStatus)" != DISABLED ] ||
    aws dynamodb update-time-to-live --table-name "$1" --time-to-live-specification Enabled=true,AttributeName=ttl
  aws dynamodb update-continuous-backups --table-name "$1" \
    --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true
}

deploy() {
  aws cloudformation deploy --stack-name "$STACK" --template-file "$1" --s3-bucket "$BUCKET" \
    --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND
}

import() {
  : "${BUCKET:?names a bucket in the region, for templates}"
  local names parameters
  mkdir -p "restore-$1" && cd "restore-$1"
  [ -e before.json ] || aws cloudformation get-template --stack-name "$STACK" --template-stage Processed \
    --output json --query TemplateBody >before.json
  names=$(aws dynamodb describe-table --table-name "$1" --output text \
    --query 'Table.[TableName, TableArn, LatestStreamArn]')
  # shellcheck disable=SC2086 # three words
  python3 "$templates" $names
  deploy without.json
  aws s3 cp import.json "s3://$BUCKET/import.json"
  parameters=$(aws cloudformation describe-stacks --stack-name "$STACK" --output text --query \
    "Stacks[0].Parameters[].join('', ['ParameterKey=', ParameterKey, ',UsePreviousValue=true'])")
  # shellcheck disable=SC2086 # a word for each
  aws cloudformation create-change-set --stack-name "$STACK" --change-set-name restore --change-set-type IMPORT \
    --template-url "https://$BUCKET.s3.amazonaws.com/import.json" --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND \
    --resources-to-import "[{\"ResourceType\": \"AWS::DynamoDB::Table\", \"LogicalResourceId\": \"Table\",
      \"ResourceIdentifier\": {\"TableName\": \"$1\"}}]" --parameters $parameters
  aws cloudformation wait change-set-create-complete --stack-name "$STACK" --change-set-name restore
  aws cloudformation execute-change-set --stack-name "$STACK" --change-set-name restore
  aws cloudformation wait stack-import-complete --stack-name "$STACK"
  deploy after.json
}

case "${1:-}:$#" in
  stop:1 | start:1 | copy:2 | copy:3 | import:2) "$@" ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
