# setup.sh - what run.sh and test.sh share: Debian packages, builds, models. To be sourced from the repository's root.
#
# Every step looks first whether its work is done already, by asking dpkg, ninja and the file system instead of keeping
# notes of its own; so nothing can be out of date, and a second call costs a fraction of a second.
# All messages go to stderr. A step that works says nothing but one line; one that fails shows the end of its log.

build_packages=(build-essential cmake ninja-build pkg-config libjansson-dev libpcre2-dev libutf8proc-dev libedit-dev
                libmicrohttpd-dev libgnutls28-dev nettle-dev libcurl4-openssl-dev python3 python3-pip)
test_packages=(libcmocka-dev clang-14 libclang-rt-14-dev mandoc expect jq openssl python3-venv chromium)

models=${SUMI_MODELS:-models}   # where models lie; the tests and the program know the variable too

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# quietly COMMAND...: its output is shown only if it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    [ "$status" = 0 ] || tail -n 40 "$log" >&2
    rm -f "$log"
    return "$status"
}

# need_packages NAME...: installs the Debian packages that are not installed.
need_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "not a Debian system: expecting to find the equivalents of: $*"
        return
    fi
    local missing as_root=() update=(apt-get -qq update) install
    missing=$(comm -23 <(printf '%s\n' "$@" | sort) \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort))
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "these Debian packages are missing, and there is no sudo to install them:" $missing
        sudo -v || die "these Debian packages are missing, and sudo was refused:" $missing
        as_root=(sudo)
    fi
    say "installing Debian packages:" $missing
    install=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing)
    if [ -z "$(find /var/lib/apt/lists -name '*Packages*' 2>/dev/null | head -n 1)" ] ||
        ! "${as_root[@]}" "${install[@]}" >/dev/null 2>&1 </dev/null; then
        quietly "${as_root[@]}" "${update[@]}" || die "apt-get update failed"
        quietly "${as_root[@]}" "${install[@]}" || die "these Debian packages cannot be installed:" $missing
    fi
}

# is_configured PRESET [-DNAME=VALUE...]: the build folder is there, with these settings.
is_configured() {
    local folder=build/$1 setting
    [ -f "$folder/build.ninja" ] || return 1
    shift
    for setting in "${@#-D}"; do
        grep -q "^${setting%%=*}:[A-Z]*=${setting#*=}\$" "$folder/CMakeCache.txt" || return 1
    done
}

# configure PRESET [-DNAME=VALUE...]
configure() {
    if is_configured "$@"; then return; fi
    say "configuring build/$1"
    if command -v ccache >/dev/null; then export CMAKE_C_COMPILER_LAUNCHER=ccache; fi
    quietly cmake --preset "$@" || die "cmake --preset $1 failed"
}

# build PRESET [TARGET...]: ninja decides what there is to do; the stamp only decides whether to announce it.
build() {
    local preset=$1 stamp=build/$1/.announced
    shift
    if [ ! -e "$stamp" ] || [ -n "$(find CMake* cmake src include tests examples -newer "$stamp" -print -quit 2>/dev/null)" ]; then
        say "building build/$preset"
    fi
    quietly ninja --quiet -C "build/$preset" "$@" || die "building build/$preset failed"
    touch "$stamp"
}

# need_model NAME
need_model() {
    [ -e "$models/$1.gguf" ] || [ -d "$models/$1" ] || { say "fetching the model $1" && scripts/fetch-model "$1" || exit 1; }
}

# Two calls at once would build in the same folder: the second one waits. Ends with release_lock or the script.
take_lock() {
    mkdir -p build
    exec 9>build/.lock
    flock -n 9 || { say "waiting for another call that is setting up" && flock 9; }
}
release_lock() { exec 9>&-; }
