#!/bin/sh
# What gcc's analyser, clang-tidy and cppcheck find in one C file.
#
# usage: sh tests/lint/analyse.sh FILE.c REPORT FLAG...   in the root of the tree
#
# REPORT has a line for each finding, "TOOL PLACE: TEXT", and first a key: as
# long as FILE with all that it includes says the same, and the same is asked,
# the report stands, whatever the time of a file.  Which headers those are goes
# into REPORT's name with .d, for make.
#
# Tests are for clang-tidy alone: the others do not know that cmocka's asserts
# end a test, and the tests run under sanitizers, which do.
set -u
export LC_ALL=C
file=$1
report=$2
shift 2

places='^[^ ]+: (fatal error|error|warning|style|performance|portability|'
places="${places}information): |: note: .*\(threshold "

# Run a tool.  One that failed and named no place is a finding itself.
ask() {
    tool=$1
    shift
    said=$("$@" 2>&1)
    code=$?
    found=$(echo "$said" | grep -E "$places" | grep -v '^nofile:' |
        sed "s|^$PWD/||; s|^\./||" | sort -u)
    if [ -z "$found" ] && [ "$code" -ne 0 ]; then
        found="$file: $1 ended with $code: $(echo "$said" | tail -n 1)"
    fi
    [ -z "$found" ] || echo "$found" | sed "s/^/$tool /"
}

key_of() {
    {
        echo "$@"
        gcc "$@" -MMD -MP -MF "${report%.txt}.d" -MT "$report" -E -C "$file"
        cat tests/lint/analyse.sh tests/lint/cppcheck.txt .clang-tidy \
            "${file%%/*}/.clang-tidy"
    } 2>/dev/null | sha256sum
}

key="key $(key_of "$@")"
[ "$(head -n 1 "$report" 2>/dev/null)" != "$key" ] || exec touch "$report"

production() {
    # It forgets what was linked into a list through a pointer to a pointer, so
    # its word on leaks is not worth having; LeakSanitizer has the last one.
    ask gcc gcc "$@" -O2 -fanalyzer -Wno-analyzer-malloc-leak \
        -c -o /dev/null "$file"
    ask cppcheck cppcheck --quiet --std=c11 -D_GNU_SOURCE -I. --inline-suppr \
        --enable=warning,style,performance,portability,information \
        --suppressions-list=tests/lint/cppcheck.txt \
        --template='{file}:{line}: {severity}: {message} [{id}]' "$file"
}

{
    echo "$key"
    case $file in
    tests/*) ;;
    *) production "$@" ;;
    esac
    ask clang-tidy clang-tidy --quiet "$file" -- "$@"
} >"$report.new"
mv "$report.new" "$report"
