#!/usr/bin/env bash
# test_debian_package.sh - debian/ makes packages as Debian wants them: dpkg-buildpackage builds them and runs the unit tests,
# lintian has nothing to say, and they are installed in a fresh system, where the program runs, README's example compiles, and
# removing them leaves nothing. Needs root, for packages and chroot.
#
#   SUMI_SUITE=bookworm    the release of the fresh system; the packages are built on this machine, so it has to be of the same
set -euo pipefail
. scripts/setup.sh
. tests/long/debian_root.sh
[ "$(id -u)" = 0 ] || { echo "skipped: chroot needs root"; exit 0; }
suite=${SUMI_SUITE:-$(. /etc/os-release && echo "${VERSION_CODENAME-}")}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
work=$(mktemp -d /var/tmp/sumi-package-XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
root=$work/root
fail() { echo "$*"; exit 1; }
timed() { # NAME COMMAND...
    local name=$1 start=$SECONDS
    shift
    quietly "$@" || fail "$name: failed"
    echo "$name: $((SECONDS - start)) s"
}

# ---- Source and packages, from a copy ----
need_packages "${build_packages[@]}" "${test_packages[@]}" debhelper dpkg-dev fakeroot lintian pkgconf
version=$(dpkg-parsechangelog -S Version)
source=$work/sumi-${version%-*}
mkdir "$source"
git ls-files -z | tar --null -T - -cf - | tar -C "$source" -xf -
tar -C "$work" --exclude="${source##*/}/debian" -czf "$work/sumi_${version%-*}.orig.tar.gz" "${source##*/}"
if command -v ccache >/dev/null; then # dh sets another HOME, so its cache would be a new one
    CCACHE_DIR=$(ccache -k cache_dir) CCACHE_BASEDIR=/ CCACHE_NOHASHDIR=1 PATH=/usr/lib/ccache:$PATH
    export CCACHE_DIR CCACHE_BASEDIR CCACHE_NOHASHDIR
fi
start=$SECONDS
(cd "$source" && dpkg-buildpackage -us -uc) >"$work/log" 2>&1 || {
    grep -E 'error|FAILED|\*\*\*' "$work/log" | head -n 20
    tail -n 40 "$work/log"
    fail "dpkg-buildpackage failed"
}
grep 'tests passed' "$work/log" || fail "no unit tests were run"
echo "dpkg-buildpackage: $((SECONDS - start)) s"
(cd "$work" && ls -s --block-size=KB ./*.deb ./*.dsc)

lintian --allow-root --display-info --fail-on error,warning,info "$work"/*.changes || fail "lintian has objections"
echo "lintian has none"

# ---- In a fresh system ----
make_root "$suite" "$root"
mkdir "$root/debs" "$root/sumi"
cp "$work"/*.deb "$root/debs/"
tar -C "$source" -cf - debian/tests examples tests/golden/tiny/qwen3.gguf | tar -C "$root/sumi" -xf -
inside() { in_root "$root" root sh -c "cd /sumi && $1"; }
timed "apt-get update" inside 'apt-get -qq update'
timed "apt install ./sumi.deb" inside 'apt-get -y --no-install-recommends install /debs/sumi_*.deb'
inside 'sumi --version'
timed "apt install the others" inside \
    'apt-get -y --no-install-recommends install /debs/libsumi*.deb gcc libc6-dev cmake make pkgconf'
inside debian/tests/compile-and-run
cp "$model" "$root/smollm2.gguf"
inside 'cc examples/hello.c $(pkg-config --cflags --libs sumi) -o /tmp/hello && /tmp/hello /smollm2.gguf "Why is the sky blue?"' |
    tee "$work/said"
grep -q scatter "$work/said" || fail "that is no answer about the sky"
inside 'apt-get -qq -y purge sumi libsumi0.1 libsumi-dev >/dev/null 2>&1'
find "$root/usr" "$root/etc" "$root/var/lib" -name '*sumi*' >"$work/left"
[ ! -s "$work/left" ] || { cat "$work/left"; fail "purging the packages leaves files behind"; }
