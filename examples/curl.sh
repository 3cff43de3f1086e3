#!/bin/sh
# vectorgate over plain HTTP.
#
# Needs:   curl
# Reads:   VECTORGATE_BASE_URL (http://127.0.0.1:4000/v1, which `make run` serves), VECTORGATE_API_KEY (sk-1234)
# Run it:  sh examples/curl.sh
set -eu
url=${VECTORGATE_BASE_URL:-http://127.0.0.1:4000/v1}
authorization="Authorization: Bearer ${VECTORGATE_API_KEY:-sk-1234}"
json="Content-Type: application/json"

call() { # METHOD PATH [curl's further options]
  method=$1 path=$2
  shift 2
  curl --silent --show-error --fail-with-body --request "$method" --header "$authorization" "$@" "$url$path"
}

# Sent again with the same Idempotency-Key, a create is answered with the first answer: there is one store.
key="example-$$-$(date +%s)"
store=$(call POST /vector_stores --header "$json" --header "Idempotency-Key: $key" --data '{"name": "Almanac"}' |
  grep -o 'vs_[A-Za-z0-9_-]*' | head -n 1)
again=$(call POST /vector_stores --header "$json" --header "Idempotency-Key: $key" --data '{"name": "Almanac"}' |
  grep -o 'vs_[A-Za-z0-9_-]*' | head -n 1)
test "$store" = "$again"
echo "store: $store"

file=$(echo "The tides obey the moon." |
  call POST /files --form purpose=assistants --form 'file=@-;filename=tides.md;type=text/markdown' |
  grep -o 'file-[A-Za-z0-9_-]*' | head -n 1)
call POST "/vector_stores/$store/files" --header "$json" --data "{\"file_id\": \"$file\"}" > /dev/null

# Indexing takes a moment: a minute at most here.
tries=0
until call GET "/vector_stores/$store/files/$file" | grep -q '"status": *"completed"'; do
  tries=$((tries + 1))
  test "$tries" -lt 60
  sleep 1
done
call POST "/vector_stores/$store/search" --header "$json" --data '{"query": "What moves the tides?"}'
echo

call DELETE "/vector_stores/$store" > /dev/null
call DELETE "/files/$file" > /dev/null
