# debian_root.sh - fresh root folders of Debian releases, and commands inside them. To be sourced from the repository's root,
# after scripts/setup.sh, by tests that run as root.
#
# Each command gets a mount namespace of its own: nothing of this machine is mounted below the root folder as the others see
# it, so removing it is safe, and a killed test leaves no mount behind.
debian_cache=${XDG_CACHE_HOME:-$HOME/.cache}/sumi-tests

# make_root SUITE FOLDER: what debootstrap's minbase brings, from the server that this machine's apt uses; later from the cache.
make_root() {
    local tar=$debian_cache/$1.tar server
    mkdir -p "$debian_cache" "$2"
    if [ ! -e "$tar" ]; then
        need_packages debootstrap
        server=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' | grep -v security | head -n 1)
        [ -n "$server" ] || die "apt knows no Debian server"
        quietly debootstrap --variant=minbase "$1" "$2" "$server" || die "debootstrap $1 failed (see above)"
        tar -C "$2" -cf "$tar.new" . && mv "$tar.new" "$tar"
    else
        tar -C "$2" -xf "$tar"
    fi
    cp -L /etc/resolv.conf /etc/hosts "$2/etc/"
    copy_network_settings "$2"
}

# What this machine's environment says about the way to the network holds inside, too. The files with certificates that it names
# get names of their own there: installing Debian's ca-certificates writes the usual ones anew.
root_settings=(LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
copy_network_settings() {
    local name value
    while IFS='=' read -r name value; do
        case $name in
        PIP_FIND_LINKS) continue ;;
        PIP_* | SSL_CERT_FILE | REQUESTS_CA_BUNDLE | http_proxy | https_proxy | no_proxy) ;;
        *) continue ;;
        esac
        if [ -f "$value" ]; then
            install -D -m 644 "$value" "$1/usr/local/share/test-network/$name"
            value=/usr/local/share/test-network/$name
        fi
        root_settings+=("$name=$value")
    done < <(env)
}

# in_root FOLDER USER COMMAND...: runs it there as USER, whose home is below /home unless it is root, without this machine's
# environment.
in_root() {
    local root=$1 user=$2 as_user=()
    shift 2
    local settings=("${root_settings[@]}" USER="$user" HOME="/home/$user")
    if [ "$user" = root ]; then settings+=(HOME=/root)
    else as_user=(setpriv --reuid "$user" --regid "$user" --init-groups)
    fi
    unshare --mount --pid --fork --kill-child bash -c '
        mount -t proc proc "$1/proc" && mount --rbind /sys "$1/sys" && mount --rbind /dev "$1/dev" && exec chroot "$@"' \
        in_root "$root" env -i "${settings[@]}" "${as_user[@]}" "$@" </dev/null
}
