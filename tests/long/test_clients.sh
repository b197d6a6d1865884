#!/usr/bin/env bash
# test_clients.sh - LiteLLM, LangChain, ollama, openai, anthropic, llm and dspy against `sumi serve` on a real model.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
python=$(scripts/test-python long) || exit 1
PYTHONPATH=tests/integration exec "$python" tests/long/clients_checks.py "$sumi" "$model"
