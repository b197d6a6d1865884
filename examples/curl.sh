#!/usr/bin/env bash
# curl.sh - `sumi serve` asked with curl alone:  examples/curl.sh [URL]
set -euo pipefail
url=${1:-http://127.0.0.1:8080}
json=(-sS --fail-with-body -H 'Content-Type: application/json') # and -H "Authorization: Bearer $KEY" under --api-key-file

curl "${json[@]}" "$url/ready" && echo
curl "${json[@]}" "$url/v1/models" && echo

echo '-- a chat, whole'
curl "${json[@]}" "$url/v1/chat/completions" -d '{
  "messages": [{"role": "user", "content": "What is the capital of France?"}], "temperature": 0, "max_tokens": 32}' && echo

echo '-- a text that goes on, as a stream'
curl -N "${json[@]}" "$url/v1/completions" -d '{"prompt": "1, 2, 3, 4,", "temperature": 0, "max_tokens": 8, "stream": true}'

echo '-- through the API of Anthropic'
curl "${json[@]}" "$url/v1/messages" -H 'anthropic-version: 2023-06-01' -d '{
  "max_tokens": 32, "temperature": 0, "messages": [{"role": "user", "content": "What is the capital of France?"}]}' && echo

echo '-- tokens of a text'
curl "${json[@]}" "$url/tokenize" -d '{"prompt": "Hello"}' && echo
