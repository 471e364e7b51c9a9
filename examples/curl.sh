#!/bin/sh
# Through 0g-compute proxy, which pays and verifies. First, in another terminal: 0g-compute proxy
set -e
: "${OPENAI_BASE_URL:=http://127.0.0.1:8420/v1}"
: "${OPENAI_API_KEY:=$(0g-compute proxy --show-token)}"

# The headers say x-0g-verdict, x-0g-provider, x-0g-fee and x-0g-receipt.
curl --silent --show-error --fail-with-body --include "$OPENAI_BASE_URL/chat/completions" \
  --header "authorization: Bearer $OPENAI_API_KEY" \
  --header 'content-type: application/json' \
  --data '{"model": "auto", "max_tokens": 24, "messages": [{"role": "user", "content": "What is a receipt?"}]}'
