#!/bin/sh
# The two system packages that xpoll makes use of, and with the argument `tests` the browser
# and the Postgres of its tests: installs what is missing where it may, says what is skipped where it may not,
# and never stops the build.
set -u

missing=""
command -v tesseract >/dev/null 2>&1 || missing="tesseract-ocr"
[ -f /usr/share/wordnet/data.noun ] || missing="$missing wordnet-base"
[ "${1:-}" = tests ] && ! command -v chromium >/dev/null 2>&1 && missing="$missing chromium"
[ "${1:-}" = tests ] && ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && missing="$missing postgresql"
missing=$(echo "$missing" | sed 's/^ *//')
[ -z "$missing" ] && exit 0

if command -v apt-get >/dev/null 2>&1; then
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        # -n: never ask for a password in the middle of a build
        if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"; else as_root="no"; fi
    fi
    if [ "$as_root" != "no" ]; then
        echo "Installing $missing with apt-get …"
        # shellcheck disable=SC2086  # both are lists of words
        if { $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
             $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null 2>&1; then
            exit 0
        fi
        echo "apt-get could not install $missing."
    fi
fi

echo "Not installed: $missing. To install: apt-get install $missing (as root)."
case "$missing" in *tesseract*) echo "  Without tesseract-ocr, scanned pages cannot be read: books that are only images fail with a message, all others are built." ;; esac
case "$missing" in *wordnet*) echo "  Without wordnet-base, people and places are found by their capitals alone, and fewer links are made." ;; esac
case "$missing" in *chromium*) echo "  Without chromium, the tests in a browser are skipped." ;; esac
case "$missing" in *postgresql*) echo "  Without postgresql, the tests with Dagster's runs in Postgres are skipped." ;; esac
exit 0
