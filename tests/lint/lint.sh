#!/bin/sh
# The rules of the tree that a machine can check: who may include whom, what
# the protocol may call, form and lengths.
#
# usage: sh tests/lint/lint.sh [ARCHIVE]      in the root of the tree
#        sh tests/lint/lint.sh format         only rewrite, by clang-format
#
# ARCHIVE is the built libcovey_proto.a; beside it, in lint/, are the reports of
# analyse.sh.  Prints a line for each rule, `ok` or
# `FAIL`, and under a FAIL every place; ends with "N passed, N failed".
set -u
export LC_ALL=C
archive=${1:-build/libcovey_proto.a}
symbols=proto/allowed-symbols.txt

# Report one rule.  Standard input is the list of places that break it.
rule() {
    places=$(cat)
    if [ -z "$places" ]; then
        echo "ok   $1"
    else
        echo "FAIL $1"
        echo "$places" | sed 's/^/     /'
    fi
}

# Our own files in folder $1 with names like $2.  Vectors, corpora and other
# people's files are not ours to shape.
files() {
    find "$1" -name "$2" -type f ! -path '*/vectors/*' ! -path '*/corpus/*' \
        ! -path '*/vendor/*' 2>/dev/null | sort
}

parts='proto store daemon cli tests'
c_files=$(for part in $parts; do files "$part" '*.c'; done)
h_files=$(for part in $parts; do files "$part" '*.h'; done)
js_files=$(for part in $parts; do files "$part" '*.js'; done)

proto=$(files proto '*.[ch]')
store=$(files store '*.[ch]')
daemon=$(files daemon '*.[ch]')
cli=$(files cli '*.[ch]')
tests=$(files tests '*.[ch]')
node=$(echo "$daemon" | grep '^daemon/node[^/]*$')
shell=$(echo "$daemon" | grep -v '^daemon/node[^/]*$')
core="$proto $store $node"

# The lines that match $1 in a list of files, which may be empty.
places_of() {
    pattern=$1
    shift
    [ $# -eq 0 ] || grep -HnE -e "$pattern" "$@"
}

# ---- who may include whom

inc='[[:space:]]*#[[:space:]]*include[[:space:]]*'

# Includes in the files given, but for those that match $1.
includes_but() {
    allowed=$1
    shift
    places_of "^$inc" "$@" | grep -vE ":$inc($allowed)"
}

# Includes in the files given that match $1.
includes_of() {
    refused=$1
    shift
    places_of "^$inc($refused)" "$@"
}

sqlite='[<"]sqlite3(ext)?\.h'
uv='[<"]uv(/[a-z]+)?\.h'
http='[<"]microhttpd\.h'
client='[<"](curl/|jansson)'

include_rules() {
    std='limits|stdalign|stdbool|stddef|stdint|string'
    includes_but "<($std)\.h>|<(sodium|msgpack)[/a-z0-9_]*\.h>|\"proto/" \
        $proto |
        rule "proto includes proto, libsodium, msgpack, <$std>; nothing else"

    may='base|wire|validate|crypto|changeset|header|rules'
    {
        includes_but "<|\"store/|\"proto/($may)\.h\"" $store
        includes_of "$uv|$http|$client|[<\"](ini\.h|msgpack)" $store
    } | rule "store includes store, proto's $may, its own libraries"

    {
        includes_but '<|"(proto|store)/|"daemon/node[a-z0-9_]*\.h"' $node
        includes_of "$uv|$http|[<\"]curl/" $node
    } | rule "daemon/node* joins proto and store and knows nothing of the shell"

    includes_but '<|"(proto|store|daemon)/' $shell |
        rule "daemon includes proto, store, daemon and libraries"

    {
        includes_but '<|"(proto|cli)/' $cli
        includes_of "$uv|$http" $cli
    } | rule "cli includes proto, cli and libraries"

    includes_of "$sqlite" $proto $daemon $cli \
        $(echo "$tests" |
            grep -vE '^tests/(bench|sim|fault)/|^tests/unit/test_disk\.c$') |
        rule "only store (and tests/bench, sim, fault) includes sqlite3.h"

    includes_of "$uv" $tests | rule "only the daemon's shell includes uv.h"

    includes_of "$http" $tests \
        $(echo "$shell" | grep -vx 'daemon/http\.c') |
        rule "only daemon/http.c includes microhttpd.h"

    includes_of '"[^"]*\.c"' $c_files $h_files | rule "no .c file is included"
}

# ---- what the protocol's archive calls

# Never on the list: what draws randomness, allocates, trusts a length or
# touches the world.  *_seed_keypair draws nothing and is allowed.
never='crypto_box_seal.*|.*_keypair|.*_keygen|crypto_secretstream_.*_init_push'
never="$never|sodium_(malloc|allocarray|free)|crypto_pwhash.*|randombytes.*"
never="$never|msgpack_(unpack|zone|sbuffer|vrefbuffer|fbuffer|zbuffer).*"
never="$never|(m|c|re|aligned_)alloc|reallocarray|posix_memalign|free|strn?dup"
never="$never|.*printf(_chk)?|puts|putchar|f?write|f?read|f?open|f?close|socket"
never="$never|time|clock.*|gettimeofday|s?rand(om)?|getrandom|getenv|sleep"

listed() {
    sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$symbols" | sort -u
}

# Print "object: name" for each name that the archive needs from elsewhere.
called() {
    defined=$(nm --defined-only "$archive" | awk 'NF == 3 { print $3 }')
    nm -A -u "$archive" | awk -v defined="$(echo $defined)" '
        BEGIN { n = split(defined, d); while (n) inside[d[n--]] = 1 }
        !($NF in inside) { split($1, at, ":"); print at[2] ": " $NF }'
}

unlisted() {
    [ -f "$archive" ] || { echo "$archive is missing"; return; }
    called | awk -v listed="$(echo $(listed))" '
        BEGIN { n = split(listed, l); while (n) known[l[n--]] = 1 }
        !($2 in known) { print $0 ", which is not on the list" }'
}

symbol_rules() {
    [ -n "$proto" ] || return
    if [ ! -f "$symbols" ]; then
        echo "$symbols is missing" | rule "what proto calls is written down"
        return
    fi
    unlisted | rule "proto calls only what $symbols lists"
    listed | grep -xE "$never" | grep -v '_seed_keypair$' |
        rule "$symbols lists no chance, memory, trust or I/O"
}

# ---- time, chance, waiting

step_rules() {
    places_of '\b(u?sleep|nanosleep|sqlite3_sleep)\(' $core |
        rule "proto, store and node never sleep"

    asks='\b(s?rand(om)?|[dlm]rand48|gettimeofday|clock_gettime|clock|getenv)'
    places_of "$asks\(|\btime\((NULL|0|&)" $core |
        rule "proto, store and node are told the time, and draw no chance"
}

# ---- form

# The first place in each file that clang-format would change.
unformatted() {
    [ $# -eq 0 ] || clang-format --dry-run -Werror "$@" 2>&1 |
        grep -E '^[^ ].*(error|warning):' | sort -t : -k 1,1 -k 2,2n |
        sort -t : -k 1,1 -u -s
}

form_rules() {
    unformatted $c_files $h_files |
        rule "clang-format has nothing to change (make format)"

    for file in $js_files; do
        node --check "$file" 2>&1
    done | rule "JavaScript parses"

    texts=$(for part in $parts docs; do
        for ending in c h js sql md html css; do
            files "$part" "*.$ending"
        done
    done)
    places_of '\b(TODO|XXX)\b' $texts |
        rule "nothing is marked for later but by FIXME:"

    [ ! -f package-lock.json ] ||
        grep -nE '"resolved"|https?://' package-lock.json |
        rule "package-lock.json names versions and hashes, no hosts"
}

# ---- lengths

longer_than() {
    limit=$1
    shift
    [ $# -eq 0 ] || wc -l "$@" | awk -v limit="$limit" '
        $2 != "total" && $1 > limit { print $2 " has " $1 " lines" }'
}

long_c_functions() {
    [ $# -eq 0 ] || ctags --langmap=C:.c.h --languages=C --kinds-C=f \
        --fields=+ne -o - "$@" | awk -F '\t' '{
            for (i = 4; i <= NF; i++) {
                if ($i ~ /^line:/) from = substr($i, 6)
                if ($i ~ /^end:/) to = substr($i, 5)
            }
            lines = to - from + 1
            if (lines > 60)
                print $2 ":" from ": " $1 " has " lines " lines"
        }'
}

# A function, method or callback ends where a brace stands below its first
# letter; what begins with one of the words below is no function.
long_js_functions() {
    [ $# -eq 0 ] || awk '
        FNR == 1 { split("", start) }
        { match($0, /^ */); indent = RLENGTH }
        substr($0, indent + 1, 1) == "}" && (indent in start) {
            lines = FNR - start[indent] + 1
            if (lines > 60)
                print FILENAME ":" start[indent] ": " lines " lines"
            delete start[indent]
        }
        /^ *(\} *)?(if|else|for|while|switch|do|try|catch|finally)[ ({]/ {
            next
        }
        /(=>|\)) \{$/ { start[indent] = FNR }' "$@"
}

length_rules() {
    longer_than 600 $c_files $h_files $js_files |
        rule "a file has at most 600 lines"
    longer_than 200 $h_files | rule "a header has at most 200 lines"
    {
        long_c_functions $c_files $h_files
        long_js_functions $js_files
    } | rule "a function has at most 60 lines"
    found_by clang-tidy | grep -E "$shape" |
        rule "a function nests at most 3 deep and takes at most 6 arguments"
}

# ---- static analysis, whose reports make keeps beside the archive

shape='\[readability-function-size|: note: '

# What tool $1 found.  A file without a report was never looked at.
found_by() {
    for file in $c_files; do
        report=$(dirname "$archive")/lint/${file%.c}.txt
        [ -f "$report" ] || echo "$file: there is no $report"
        sed -n "s/^$1 //p" "$report" 2>/dev/null
    done | sort -u
}

analysis_rules() {
    found_by gcc | rule "gcc -fanalyzer finds nothing"
    found_by clang-tidy | grep -vE "$shape" | rule "clang-tidy finds nothing"
    found_by cppcheck | rule "cppcheck finds nothing"
    places_of 'NOLINT|cppcheck-suppress' $c_files $h_files |
        grep -vE '(NOLINT(NEXTLINE)?\([a-zA-Z0-9.,-]+\):|suppress [a-zA-Z]+ ;) ..' |
        rule "a finding that is passed over has its name and a reason"
}

if [ "$archive" = format ]; then
    [ -z "$c_files$h_files" ] || clang-format -i $c_files $h_files
    exit
fi

{
    include_rules
    symbol_rules
    step_rules
    form_rules
    length_rules
    analysis_rules
} | awk '
    { print; fflush() }
    /^ok   / { passed++ }
    /^FAIL / { failed++ }
    END {
        printf "%d passed, %d failed\n", passed, failed
        exit failed > 0
    }'
