#!/usr/bin/env bash
# test_debian_roots.sh - README's commands in fresh systems of Debian 12 and 13 that have nothing but what debootstrap's minbase
# brings: as root, and as a user with sudo; as root also those of "In your own program". Prints the output and the time of each.
# Needs root, for chroot.
#
#   SUMI_SUITES="bookworm trixie"    the releases
#   SUMI_USERS="root user"           who runs the commands
#   SUMI_ROOT_STAGES="unit"          stages of ./test.sh; "" for its default, the whole suite, which takes an hour in each system
#   SUMI_ROOT_CCACHE=1               the systems have ccache, with a cache that outlives them: for those who run this often
set -euo pipefail
. scripts/setup.sh
. tests/long/debian_root.sh
. tests/support/readme.sh
[ "$(id -u)" = 0 ] || { echo "skipped: chroot needs root"; exit 0; }
fail() { echo "$*"; exit 1; }
work=$(mktemp -d /var/tmp/sumi-roots-XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
root=$work/root

# The cache moves into a system and out again.
bring_ccache() { # SUITE USER
    quietly in_root "$root" root sh -c 'apt-get -qq update && apt-get -qq -y --no-install-recommends install ccache' ||
        fail "no ccache"
    mkdir -p "$debian_cache/ccache-$1"
    mv "$debian_cache/ccache-$1" "$root/var/cache/ccache"
    in_root "$root" root chown -R "$2:$2" /var/cache/ccache
    root_settings+=(CCACHE_DIR=/var/cache/ccache)
}
keep_ccache() { mv "$root/var/cache/ccache" "$debian_cache/ccache-$1"; }

# as_typed USER COMMAND: in the copy of this tree; prints the output and the time.
as_typed() {
    local start=$SECONDS status=0
    echo "\$ $2"
    in_root "$root" "$1" bash -c "cd ~user/sumi && $2" 2>&1 || status=$?
    echo "-- status $status, $((SECONDS - start)) s"
    return "$status"
}

failed=0
for suite in ${SUMI_SUITES:-bookworm trixie}; do
    for user in ${SUMI_USERS:-root user}; do
        rm -rf "$root"
        make_root "$suite" "$root"
        in_root "$root" root useradd --create-home --shell /bin/bash user
        mkdir "$root/home/user/sumi"
        git ls-files -z | tar --null -T - -cf - | tar -C "$root/home/user/sumi" -xf -
        if [ "$user" != root ]; then
            quietly in_root "$root" root sh -c 'apt-get -qq update && apt-get -qq -y install sudo' || fail "no sudo"
            echo 'user ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/user"
            in_root "$root" root chown -R user:user /home/user
        fi
        [ -z "${SUMI_ROOT_CCACHE-}" ] || bring_ccache "$suite" "$user"

        echo "== Debian $(cat "$root/etc/debian_version") ($suite), as $user"
        as_typed "$user" './run.sh "Why is the sky blue?"' | tee "$work/said"
        grep -qi 'scatter\|light' "$work/said" || fail "that is no answer about the sky"
        as_typed "$user" './run.sh -n 8 "Name three colours."' | tee "$work/said"
        ! grep -q 'installing\|building\|fetching' "$work/said" || fail "the second call should have nothing to set up"
        if [ "$user" = root ]; then # README asks for root here
            as_typed root "$(readme_commands "In your own program")" | tee "$work/said"
            grep -q 'tokens in' "$work/said" || fail "README's example gives no answer"
        fi
        as_typed "$user" "./test.sh ${SUMI_ROOT_STAGES-unit}" || failed=1 # the other systems are still worth a look
        [ -z "${SUMI_ROOT_CCACHE-}" ] || keep_ccache "$suite"
    done
done
exit "$failed"
