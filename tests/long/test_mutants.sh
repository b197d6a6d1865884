#!/usr/bin/env bash
# test_mutants.sh - fixed mistakes in the source, mutants.txt, must each fail a test. The work is done by mutants.py.
exec python3 "$(dirname "${BASH_SOURCE[0]}")/mutants.py" "$@"
