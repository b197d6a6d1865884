#!/usr/bin/env bash
# test_proxies.sh - nginx and HAProxy with the files of deploy/ in front of `sumi serve`, for real: chats, streams, who the client
# is, and who is refused. Installs both if they are missing.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
if ! command -v nginx >/dev/null || ! command -v haproxy >/dev/null; then
    if [ "$(id -u)" != 0 ]; then
        echo "skipped: nginx and haproxy are not installed, and only root can do it"
        exit 0
    fi
    apt-get update -q && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install -qy --no-install-recommends nginx-light haproxy || { echo "FAILED: apt"; exit 1; }
fi
exec python3 tests/integration/proxies_checks.py "$sumi" "$model"
