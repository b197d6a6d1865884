#!/usr/bin/env bash
# test_pull.sh - sumi pull, list and rm against a local server that speaks the protocols of the hubs (pull_checks.py).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 -subj /CN=127.0.0.1 \
    -addext subjectAltName=IP:127.0.0.1 2>/dev/null
unset SUMI_MODELS XDG_CACHE_HOME HF_TOKEN HF_ENDPOINT OLLAMA_REGISTRY SSL_CERT_FILE
export HOME=$work/home no_proxy='*'
sumi=$(realpath "${SUMI_PROGRAM:-build/release/sumi}") source=$PWD
mkdir "$work/home"
cd "$work"
python3 "$source/tests/integration/pull_checks.py" "$sumi" "$source" "$work" "$@"
