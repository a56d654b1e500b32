/* older.c - the rules of an older version, which does not know comments.
 *
 * Linked in place of rules_judge_row() (-Wl,--wrap), which is asked about all
 * that both versions know; the archives are as they are. */
#include "proto/rules.h"
#include "tests/sim/world.h"

#define UNKNOWN_TABLE "comment"

enum verdict __real_rules_judge_row(const struct verdict_context *context,
                                    const struct row_part *part);
enum verdict __wrap_rules_judge_row(const struct verdict_context *context,
                                    const struct row_part *part);

enum verdict __wrap_rules_judge_row(const struct verdict_context *context,
                                    const struct row_part *part)
{
    if (host_is_older() && part->table == rule_table_by_name(UNKNOWN_TABLE)->id)
        return VERDICT_HOLD;
    return __real_rules_judge_row(context, part);
}
