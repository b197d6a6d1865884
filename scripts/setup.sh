# setup.sh - what run.sh and test.sh share: Debian packages, builds, models. To be sourced from the repository's root.
#
# Every step looks first whether its work is done already, by asking dpkg, ninja and the file system instead of keeping
# notes of its own; so nothing can be out of date, and a second call costs a fraction of a second.
# All messages go to stderr. A step that works says nothing but one line, with size or time; one that fails shows the end of
# its log.

build_packages=(build-essential cmake ninja-build pkg-config libjansson-dev libpcre2-dev libutf8proc-dev libedit-dev
                libmicrohttpd-dev libgnutls28-dev nettle-dev libcurl4-openssl-dev python3 python3-pip)
test_packages=(libcmocka-dev)                                               # unit tests
suite_packages=(mandoc expect jq curl openssl python3-venv chromium)        # those of the whole program besides

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

# Prints those of the packages NAME... that are not installed.
missing_packages() {
    comm -23 <(printf '%s\n' "$@" | sort -u) \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort)
}

# Prints the packages of the clang that the presets clang and fuzz take (cmake/clang.cmake): clang 14, else the one that is
# installed, else Debian's own. libFuzzer and the sanitizers are in a package beside it, the formatter in another.
clang_packages() {
    local version
    if command -v clang-14 >/dev/null || apt-cache show clang-14 >/dev/null 2>&1; then version=14
    elif command -v clang >/dev/null; then version=$(clang -dumpversion)
    else version=$(apt-cache depends clang | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
    fi
    version=${version%%.*}
    echo "clang-$version libclang-rt-$version-dev clang-format-$version"
}

# Prints how many MB apt has to download for the packages NAME...; fails if it would refuse them.
download_megabytes() {
    local uris
    uris=$(apt-get -qq -y --no-install-recommends --print-uris install "$@" 2>/dev/null) || return 1
    awk -v n=0 '{ n += $3 } END { print int((n + 999999) / 1e6) }' <<<"$uris"
}

# Says which of the packages NAME... apt refuses, with apt's reason, and ends the script.
die_refused() {
    local name reason refused=0
    for name in "$@"; do
        reason=$(LC_ALL=C apt-get -qq --no-install-recommends --simulate install "$name" 2>&1 >/dev/null) && continue
        say "apt refuses the package $name: $(sed -n 's/^E: //p' <<<"$reason" | tail -n 1)"
        refused=1
    done
    [ "$refused" = 1 ] || say "apt refuses these packages together: $*"
    exit 1
}

# need_packages NAME...: installs the Debian packages that are not installed.
need_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "not a Debian system: expecting to find the equivalents of: $*"
        return
    fi
    local missing as_root=() megabytes install
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "these Debian packages are missing, and there is no sudo to install them:" $missing
        if ! sudo -n true 2>/dev/null; then
            say "these Debian packages have to be installed first:" $missing
            say "sudo runs apt-get for that, and nothing else; it asks for your password"
            sudo -v || die "sudo was refused; as root: apt-get install" $missing
        fi
        as_root=(sudo)
    fi
    if ! find /var/lib/apt/lists -name '*Packages*' 2>/dev/null | grep -q . || ! megabytes=$(download_megabytes $missing); then
        say "asking the package servers what there is"
        quietly "${as_root[@]}" apt-get -qq update || die "apt-get update failed (see above)"
        megabytes=$(download_megabytes $missing) || die_refused $missing
    fi
    say "installing Debian packages, $megabytes MB to fetch:" $missing
    install=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing)
    # Lists of yesterday may name versions that the server has replaced since.
    "${as_root[@]}" "${install[@]}" >/dev/null 2>&1 </dev/null && return
    quietly "${as_root[@]}" apt-get -qq update || die "apt-get update failed (see above)"
    quietly "${as_root[@]}" "${install[@]}" || die "apt-get install failed (see above)"
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

# Prints how long the compiler will be busy with SECONDS of work, in words.
busy_time() {
    local seconds=$(($1 / $(nproc)))
    if [ "$seconds" -lt 90 ]; then echo "about $(((seconds + 9) / 10 * 10)) seconds"; else echo "about $(((seconds + 30) / 60)) minutes"; fi
}

# build PRESET [TARGET...]: ninja decides what there is to do, and shows its progress on a terminal; the stamp only decides
# whether to announce it.
build() {
    local preset=$1 stamp=build/$1/.announced work=600
    shift
    if [ ! -e "$stamp" ]; then
        [ $# = 0 ] || work=120 # seconds of one processor, measured on an AMD Zen 3
        say "building build/$preset, $(busy_time "$work")"
    elif [ -n "$(find CMake* cmake src include tests examples -newer "$stamp" -print -quit 2>/dev/null)" ]; then
        say "building build/$preset"
    fi
    if [ -t 1 ] && [ -t 2 ]; then
        NINJA_STATUS='%f of %t  ' ninja -C "build/$preset" "$@" >&2 || die "building build/$preset failed"
    else
        quietly ninja --quiet -C "build/$preset" "$@" || die "building build/$preset failed"
    fi
    touch "$stamp"
}

# need_model NAME
need_model() {
    if [ -e "$models/$1.gguf" ] || [ -d "$models/$1" ]; then return; fi
    say "fetching the model $1, $(scripts/fetch-model --megabytes "$1") MB"
    scripts/fetch-model "$1" || exit 1
}

# Two calls at once would build in the same folder: the second one waits. Ends with release_lock or the script.
take_lock() {
    mkdir -p build
    exec 9>build/.lock
    flock -n 9 || { say "waiting for another call that is setting up" && flock 9; }
}
release_lock() { exec 9>&-; }
