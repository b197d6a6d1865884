#!/usr/bin/env bash
# test_aarch64.sh - sumi on aarch64: compiled by Debian's cross compiler without a warning, against Debian's own libraries for
# arm64; the unit tests, and the logits of every tiny model bit for bit those of the level ref here, under qemu.
#
# The arm64 packages are unpacked into a folder of their own: the machine's packages stay as they are.
set -euo pipefail
. scripts/setup.sh
sumi=${SUMI_PROGRAM:-build/release/sumi}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sumi-tests/arm64-debs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*"; exit 1; }

need_packages gcc-aarch64-linux-gnu qemu-user

# ---- Debian's arm64 libraries: apt with a state of its own resolves and checks them ----
mkdir -p "$cache/partial" "$work/state/lists/partial" "$work/no-parts" "$work/root"
: >"$work/status"
apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' 'Origin: Debian' |
    sort -u >"$work/sources.list"
[ -s "$work/sources.list" ] || fail "apt knows no Debian server"
apt=(apt-get -qq -y -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$work/state"
     -o Dir::State::status="$work/status" -o Dir::Cache="$work" -o Dir::Cache::archives="$cache"
     -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts="$work/no-parts" -o APT::Sandbox::User=
     -o APT::Keep-Downloaded-Packages=true)
quietly "${apt[@]}" update || fail "apt-get update for arm64 failed"
wanted=(libc6-dev libjansson-dev libpcre2-dev libutf8proc-dev libedit-dev libmicrohttpd-dev libgnutls28-dev nettle-dev libcurl4-openssl-dev
        libcmocka-dev)
# Files that are in the cache already are not printed, so the list is made with an empty one.
mkdir -p "$work/empty/partial"
"${apt[@]}" -o Dir::Cache::archives="$work/empty" --no-install-recommends --print-uris install "${wanted[@]}" | awk '{ print $2 }' >"$work/files"
quietly "${apt[@]}" --no-install-recommends --download-only install "${wanted[@]}" || fail "arm64 packages cannot be fetched"
while read -r file; do dpkg-deb -x "$cache/$file" "$work/root"; done <"$work/files"
echo "$(wc -l <"$work/files") arm64 packages unpacked"

# ---- Building ----
export PKG_CONFIG_LIBDIR=$work/root/usr/lib/aarch64-linux-gnu/pkgconfig:$work/root/usr/share/pkgconfig
export PKG_CONFIG_SYSROOT_DIR=$work/root
quietly cmake -S . -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSUMI_WERROR=ON -DCMAKE_SYSTEM_NAME=Linux \
    -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_SYSROOT="$work/root" \
    -DCMAKE_CROSSCOMPILING_EMULATOR="qemu-aarch64;-L;$work/root"
quietly ninja -C "$work/build" || fail "it does not compile"
echo "compiled by $(aarch64-linux-gnu-gcc --version | head -n 1)"
there() { qemu-aarch64 -L "$work/root" "$work/build/sumi" "$@"; }

# ---- What a user sees ----
model=tests/golden/tiny/mistral.gguf
there bench "$model" --no-limits --reps 1 --prompt 16 --gen 4 --batch 1 --prefill-len 16 --ctx 64 >"$work/bench" ||
    fail "sumi bench fails on aarch64"
grep -q ' ref;' "$work/bench" || { cat "$work/bench"; fail "the level should be called ref"; }
status=0
there info --isa avx2 "$model" >"$work/out" 2>&1 || status=$?
there logits --isa avx2 "$model" --ids "1 2" --out "$work/x.npy" >"$work/out" 2>&1 && fail "the level avx2 should be refused"
[ "$(wc -l <"$work/out")" = 1 ] && grep -q 'does not have avx2; its best is ref' "$work/out" ||
    { cat "$work/out"; fail "the refusal of avx2 should be one line that names ref"; }
echo "the level is called ref; others are refused in one line"

# ---- The same bits ----
n=0
for model in tests/golden/tiny/*.gguf; do
    if "$sumi" logits "$model" --isa ref --ids "1 2 3 4 5 6 7 8 9 10 11 12" --out "$work/here.npy" 2>"$work/err"; then
        there logits "$model" --ids "1 2 3 4 5 6 7 8 9 10 11 12" --out "$work/there.npy"
    elif grep -q 'is an encoder' "$work/err"; then
        echo "one text" | "$sumi" embed "$model" --isa ref --npy "$work/here.npy"
        echo "one text" | there embed "$model" --npy "$work/there.npy"
    else
        cat "$work/err"
        exit 1
    fi
    cmp "$work/here.npy" "$work/there.npy" || fail "$model: other bits than here"
    n=$((n + 1))
done
echo "$n tiny models: bit for bit as here"

# ---- Unit tests: those that are programs; scripts would start sumi without the emulator ----
SUMI_TEST_SHORT=1 ctest --test-dir "$work/build" -R '^unit\.[a-z]+\.' -j "$(nproc)" --output-on-failure >"$work/log" 2>&1 ||
    { tail -n 60 "$work/log"; exit 1; }
grep 'tests passed' "$work/log"
