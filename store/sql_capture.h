/* sql_capture.h - the statements of outbox.c and capture.c; see sql.h. */
#ifndef COVEY_STORE_SQL_CAPTURE_H
#define COVEY_STORE_SQL_CAPTURE_H

#define SQL_CAPTURE(X)                                                         \
    X(OUTBOX_SPACE, "SELECT min(space) FROM outbox WHERE space > ?1")          \
    X(OUTBOX_COUNT, "SELECT count(*) FROM (SELECT DISTINCT tbl, id"            \
                    " FROM outbox WHERE space = ?1)")                          \
    X(OUTBOX_READ, "SELECT seq, tbl, id, cols, op, seen, old FROM outbox"      \
                   " WHERE space = ?1 ORDER BY seq LIMIT ?2")                  \
    X(OUTBOX_DELETES, "SELECT old FROM outbox WHERE op = 3 AND tbl = ?1"       \
                      " AND id = ?2 AND space = ?3 ORDER BY seq")              \
    X(OUTBOX_DROP_TO, "DELETE FROM outbox WHERE space = ?1 AND seq <= ?2")     \
    X(OUTBOX_DROP, "DELETE FROM outbox WHERE seq = ?1")                        \
    X(OUTBOX_TRIM, "UPDATE outbox SET op = 2, cols = cols & ?2 WHERE seq = "   \
                   "?1")

#endif
