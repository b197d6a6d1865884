#!/usr/bin/env bash
# test.sh - sets up what is missing, then runs the whole test suite: ./test.sh [STAGE...]
#
#   clang     clang 14, optimised: builds everything, runs the unit tests
#   fuzz      every fuzz target for SUMI_FUZZ_SECONDS (20) on its stored corpus, under address sanitizer
#   tsan      the threaded parts under thread sanitizer
#   asan      the whole suite under address and undefined-behaviour sanitizers, long prompts left out
#   release   the whole suite, as users get the program
#   long      what takes minutes, or more than the build needs: other machines, other distributions, other people's
#             clients (tests/long)
#
# Without names all of them but long run, in this order. A failing stage does not stop the next one; the exit status is 0 if
# everything passed.
set -u
cd "$(dirname "$0")"
. scripts/setup.sh

fuzz_seconds=${SUMI_FUZZ_SECONDS:-20}
jobs=$(nproc)
stages=("$@")
[ $# != 0 ] || stages=(clang fuzz tsan asan release)
for stage in "${stages[@]}"; do
    case $stage in
    clang | fuzz | tsan | asan | release | long) ;;
    *) say "no stage '$stage'; there are clang, fuzz, tsan, asan, release and long"; exit 2 ;;
    esac
done

take_lock
need_packages "${build_packages[@]}" "${test_packages[@]}"
need_model smollm2
need_model gemma3-270m
need_model minilm

# Thread sanitizer of gcc 12 cannot map its shadow where the kernel randomises addresses widely.
fixed_addresses=()
setarch "$(uname -m)" -R true 2>/dev/null && fixed_addresses=(setarch "$(uname -m)" -R)

# run_stage NAME: builds and runs one stage; its status is the stage's.
run_stage() {
    local preset=$1 options=() run=() settings=(-DSUMI_TESTS=ON -DSUMI_FUZZ_SECONDS="$fuzz_seconds" -DSUMI_LONG_TESTS=OFF)
    # Sanitizers make the forward pass ten times slower, so there tests of prompts of 600 tokens take short ones.
    case $preset in
    clang) options=(-L unit) ;;
    fuzz) options=(-L fuzz) ;;
    tsan) options=(-R '^(unit\.(base|backend|kv|model|sample|engine|server)|golden\.tiny|integration\.(invariance|load))')
          run=("${fixed_addresses[@]}" env SUMI_TEST_SHORT=1) ;;
    asan) run=(env SUMI_TEST_SHORT=1) ;;
    long) preset=release options=(-L long) settings[2]=-DSUMI_LONG_TESTS=ON ;;
    esac
    configure "$preset" "${settings[@]}"
    build "$preset"
    "${run[@]}" ctest --preset "$preset" --no-tests=error -j "$jobs" "${options[@]}"
}

report='' failed=0
for stage in "${stages[@]}"; do
    echo "== $stage"
    start=$SECONDS result=passed
    (run_stage "$stage") || { result=FAILED; failed=1; }
    report+=$(printf '%-8s %-7s %4d s' "$stage" "$result" $((SECONDS - start)))$'\n'
done
printf '\n%s' "$report"
exit "$failed"
