/* sql_cell.h - the statements of row.c and merge.c; see sql.h.  Those on the
 * shared tables are made from the rules, in row_sql.c. */
#ifndef COVEY_STORE_SQL_CELL_H
#define COVEY_STORE_SQL_CELL_H

#define SQL_CELL(X)                                                            \
    X(CLOCK_GET, "SELECT stamps, hash FROM clock"                              \
                 " WHERE space = ?1 AND tbl = ?2 AND id = ?3")                 \
    X(CLOCK_ADD, "INSERT INTO clock (space, tbl, id, stamps, hash)"            \
                 " VALUES (?1, ?2, ?3, ?4, ?5)")                               \
    X(CLOCK_TRY, "INSERT INTO clock (space, tbl, id, stamps, hash)"            \
                 " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING")        \
    X(CLOCK_SET, "UPDATE clock SET stamps = ?4, hash = ?5"                     \
                 " WHERE space = ?1 AND tbl = ?2 AND id = ?3")                 \
    X(CLOCK_NEXT,                                                              \
      "SELECT tbl, id FROM clock WHERE space = ?1 AND (tbl, id) > (?2, ?3)"    \
      " ORDER BY tbl, id LIMIT 1")                                             \
    X(SIBLING_LIST,                                                            \
      "SELECT col, clock, author, name, value, wall, seq FROM sibling"         \
      " WHERE id = ?1 AND tbl = ?2 AND space = ?3")                            \
    X(SIBLING_PUT,                                                             \
      "INSERT INTO sibling (id, tbl, space, col, clock, author, name, value,"  \
      " wall, seq) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")          \
    X(SIBLING_DROP,                                                            \
      "DELETE FROM sibling WHERE id = ?1 AND tbl = ?2 AND space = ?3"          \
      " AND col = ?4 AND clock = ?5 AND author = ?6 AND name = ?7")            \
    X(AHEAD_LIST, "SELECT col, name FROM ahead"                                \
                  " WHERE space = ?1 AND tbl = ?2 AND id = ?3")                \
    X(AHEAD_PUT, "INSERT OR IGNORE INTO ahead (space, tbl, id, col, name)"     \
                 " VALUES (?1, ?2, ?3, ?4, ?5)")                               \
    X(AHEAD_DROP,                                                              \
      "DELETE FROM ahead WHERE space = ?1 AND tbl = ?2 AND id = ?3"            \
      " AND col = ?4 AND name = ?5")                                           \
    X(ASIDE_GET, "SELECT cells FROM aside"                                     \
                 " WHERE space = ?1 AND tbl = ?2 AND id = ?3")                 \
    X(ASIDE_PUT, "INSERT OR REPLACE INTO aside (space, tbl, id, cells)"        \
                 " VALUES (?1, ?2, ?3, ?4)")                                   \
    X(ASIDE_DROP, "DELETE FROM aside"                                          \
                  " WHERE space = ?1 AND tbl = ?2 AND id = ?3")                \
    X(SIBLING_COUNT, "SELECT count(*) FROM sibling WHERE space = ?1")          \
    X(TOTALS_GET, "SELECT id, digest, rows FROM space WHERE n = ?1")           \
    X(TOTALS_SET, "UPDATE space SET digest = ?2, rows = ?3 WHERE n = ?1")

#endif
