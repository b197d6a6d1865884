# readme.sh - README's commands, for tests that run them. To be sourced from the repository's root.

# readme_commands SECTION: the lines of its first block of commands, as one command that fails where one of them does.
readme_commands() {
    sed -n "/^## $1\$/,/^## /p" README.md | awk '/^```/ { n++; next } n == 1 { printf "%s%s", between, $0; between = " && " }'
}
