#!/usr/bin/env bash
# test.sh - sets up what is missing, then runs the whole test suite: ./test.sh [STAGE...]
#
#   unit      the unit tests of an optimised build: minutes, and the fewest packages
#   clang     clang (14 if it is there), optimised: builds everything, runs the unit tests
#   fuzz      every fuzz target for SUMI_FUZZ_SECONDS (20) on its stored corpus, under address sanitizer
#   fuzz-long the same for 10 minutes each; what is found is kept in SUMI_FUZZ_CORPUS (~/.cache/sumi-fuzz) and used again
#   tsan      the threaded parts under thread sanitizer
#   asan      the suite under address and undefined-behaviour sanitizers, long prompts left out, without the tests of asan-long
#   asan-long the tests that sanitizers make take many minutes each
#   release   the whole suite, as users get the program
#   long      what takes minutes, or more than the build needs: other machines, other distributions, other people's
#             clients (tests/long)
#
# Without names clang, fuzz, tsan, asan and release run, in this order; fuzz-long, asan-long and long are run before a release.
# Each asks only for the Debian packages that it needs. A failing stage does not stop the next one; the exit status is 0 if everything
# passed.
set -u
cd "$(dirname "$0")"
. scripts/setup.sh

fuzz_seconds=${SUMI_FUZZ_SECONDS:-20}
kept_corpus=${SUMI_FUZZ_CORPUS:-${XDG_CACHE_HOME:-$HOME/.cache}/sumi-fuzz}
jobs=$(nproc)
stages=("$@")
[ $# != 0 ] || stages=(clang fuzz tsan asan release)
for stage in "${stages[@]}"; do
    case $stage in
    -h | --help) sed -n '2,/^$/ s/^# \?//p' test.sh; exit 0 ;;
    unit | clang | fuzz | fuzz-long | tsan | asan | asan-long | release | long) ;;
    *) say "no stage '$stage'; there are unit, clang, fuzz, fuzz-long, tsan, asan, asan-long, release and long"; exit 2 ;;
    esac
done

take_lock
need_packages "${build_packages[@]}" "${test_packages[@]}"
packages=() wanted_models=()
for stage in "${stages[@]}"; do
    case $stage in
    unit) ;;
    clang | fuzz | fuzz-long) packages+=($(clang_packages)) ;;
    *) packages+=("${suite_packages[@]}") wanted_models=(smollm2 gemma3-270m minilm) ;;
    esac
done
[ "${#packages[@]}" = 0 ] || need_packages "${packages[@]}"
for model in "${wanted_models[@]}"; do need_model "$model"; done

# Thread sanitizer of gcc 12 cannot map its shadow where the kernel randomises addresses widely.
fixed_addresses=()
setarch "$(uname -m)" -R true 2>/dev/null && fixed_addresses=(setarch "$(uname -m)" -R)

# Real models, or the same path through the code many times: 5 to 15 minutes each under address sanitizer on two slow cores.
slow_in_asan='^(golden\.(logits|perplexity|embeddings|encoders)|integration\.(crash|docs|embed|run|schemathesis|serve_embed|web))$'

# run_stage NAME: builds and runs one stage; its status is the stage's.
run_stage() {
    local preset=$1 options=() run=()
    local settings=(-DSUMI_TESTS=ON -DSUMI_WERROR=ON -DSUMI_FUZZ_SECONDS="$fuzz_seconds" -DSUMI_FUZZ_CORPUS=
                    -DSUMI_LONG_TESTS=OFF)
    # Sanitizers make the forward pass ten times slower, so there tests of prompts of 600 tokens take short ones.
    case $preset in
    unit) preset=release options=(-L unit) ;;
    clang) options=(-L unit) ;;
    fuzz) options=(-L fuzz) ;;
    fuzz-long) preset=fuzz options=(-L fuzz)
               settings+=(-DSUMI_FUZZ_SECONDS="${SUMI_FUZZ_SECONDS:-600}" -DSUMI_FUZZ_CORPUS="$kept_corpus") ;;
    tsan) options=(-R '^(unit\.(base|backend|kv|model|sample|engine|server)|golden\.tiny|integration\.(invariance|load))')
          run=("${fixed_addresses[@]}" env SUMI_TEST_SHORT=1) ;;
    asan) options=(-E "$slow_in_asan") run=(env SUMI_TEST_SHORT=1) ;;
    asan-long) preset=asan options=(-R "$slow_in_asan") run=(env SUMI_TEST_SHORT=1) ;;
    long) preset=release options=(-L long) settings+=(-DSUMI_LONG_TESTS=ON) ;;
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
    report+=$(printf '%-9s %-7s %4d s' "$stage" "$result" $((SECONDS - start)))$'\n'
done
printf '\n%s' "$report"
exit "$failed"
