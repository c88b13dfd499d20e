#!/bin/sh
# Install the Debian packages named after the first argument, if their programs are missing; say so first.
#   tools/debian.sh WHY PROGRAM:PACKAGE...
set -eu
why=$1
shift
missing=
for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || [ -e "${pair%%:*}" ] || ls ${pair%%:*} >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -n "$missing" ] || exit 0
echo "$why need these Debian packages:$missing"
if ! command -v apt-get >/dev/null; then
    echo "there is no apt-get here: install what corresponds to them by hand" >&2
    exit 0
fi
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo"
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
