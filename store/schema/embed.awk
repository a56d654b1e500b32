# Turn the migrations into a C table.
#
# usage: awk -f store/schema/embed.awk store/schema/NNNN_name.sql ...
#
# Files come in the order of their numbers, which run 1, 2, 3 ... without a
# gap.  Each file's text, comments included, becomes one string constant.

FNR == 1 { begin_step(FILENAME) }

{
    gsub(/\\/, "&&")
    gsub(/"/, "\\\"")
    gsub(/\t/, "\\t")
    gsub(/\?/, "\\?")
    printf "    \"%s\\n\"\n", $0
}

END {
    if (failed)
        exit 1
    if (count == 0) {
        complain("no migration given")
        exit 1
    }
    print "    ;\n\nconst struct schema_step schema_steps[] = {"
    for (i = 1; i <= count; i++)
        printf "    {.number = %d, .name = \"%s\", .sql = sql_%04d},\n",
            i, name[i], i
    print "};\n"
    print "const size_t schema_step_count ="
    print "    sizeof schema_steps / sizeof schema_steps[0];"
}

function begin_step(path, base) {
    base = path
    sub(/.*\//, "", base)
    if (base !~ /^[0-9][0-9][0-9][0-9]_[a-z0-9_]+\.sql$/) {
        complain(path ": a migration is named NNNN_name.sql")
        exit 1
    }
    if (substr(base, 1, 4) + 0 != count + 1) {
        complain(path ": the next migration is number " count + 1)
        exit 1
    }
    if (count == 0) {
        print "/* Made from store/schema/ by embed.awk; do not edit. */"
        print "#include \"store/schema.h\"\n"
        print "/* A schema is longer than the 4,095 bytes every C compiler"
        print " * must take; ours take more. */"
        print "#pragma GCC diagnostic ignored \"-Woverlength-strings\""
    } else
        print "    ;"
    count++
    name[count] = substr(base, 6, length(base) - 9)
    printf "\nstatic const char sql_%04d[] =\n", count
}

function complain(text) {
    failed = 1
    print "embed.awk: " text > "/dev/stderr"
}
