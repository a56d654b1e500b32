#include "support_outside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OUTPUT_MAX (1u << 20)

static char output[OUTPUT_MAX];

static void read_output(const char *path)
{
    FILE *file = fopen(path, "r");

    assert_non_null(file);

    size_t len = fread(output, 1, sizeof output - 1, file);

    assert_int_equal(fclose(file), 0);
    while (len > 0 && output[len - 1] == '\n')
        len--;
    output[len] = '\0';
}

const char *outside_sql(const char *dir, const char *sql)
{
    char path[256];
    char command[1024];

    snprintf(path, sizeof path, "%s/outside.txt", dir);
    snprintf(command, sizeof command,
             "sqlite3 -batch -init /dev/null '%s/record.db' >'%s' 2>&1", dir,
             path);

    FILE *shell = popen(command, "w");

    assert_non_null(shell);
    assert_int_equal(fwrite(sql, 1, strlen(sql), shell), strlen(sql));
    (void)pclose(shell); /* the output tells whether it went well */
    read_output(path);
    return output;
}
