#!/usr/bin/env bash
# test_serve_embed.sh - embeddings by `sumi serve` on a real model. The checks are in embed_checks.py.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
exec python3 tests/integration/embed_checks.py "$sumi" "$model"
