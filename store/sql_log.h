/* sql_log.h - the statements of log*.c; see sql.h. */
#ifndef COVEY_STORE_SQL_LOG_H
#define COVEY_STORE_SQL_LOG_H

#define SQL_LOG_ROW                                                            \
    "SELECT n, space, author, incarnation, branch, forked, before, number,"    \
    " hash, clock, seq, cited, superseded FROM log "

#define SQL_ENTRY                                                              \
    "SELECT seq, log, number, clock, epoch, state, wait, verdict, signed,"     \
    " wall, length, hash, links, signature, payload FROM change_set "

#define SQL_HEADS                                                              \
    "SELECT a.key, l.incarnation, l.number, l.hash, l.clock"                   \
    " FROM log AS l CROSS JOIN author AS a ON a.n = l.author"                  \
    " WHERE l.space = ?1 "

#define SQL_HEADS_ORDER " ORDER BY a.key, l.incarnation, l.number, l.hash"

#define SQL_LOG(X)                                                             \
    X(LOG_SPACE, "SELECT id FROM space WHERE n = ?1")                          \
    X(LOG_HEARD, "SELECT coalesce(max(c.wall), 0) FROM log AS l"               \
                 " JOIN author AS a ON a.n = l.author"                         \
                 " JOIN change_set AS c ON c.seq = l.seq"                      \
                 " WHERE a.key = ?2 AND l.space = ?1")                         \
    X(AUTHOR_FIND, "SELECT n FROM author WHERE key = ?1")                      \
    X(AUTHOR_KEY, "SELECT key FROM author WHERE n = ?1")                       \
    X(AUTHOR_ADD, "INSERT INTO author (key) VALUES (?1)")                      \
    X(EPOCH_FIND, "SELECT n FROM cited_epoch WHERE hash = ?1")                 \
    X(EPOCH_HASH, "SELECT hash FROM cited_epoch WHERE n = ?1")                 \
    X(EPOCH_CITE, "INSERT INTO cited_epoch (hash) VALUES (?1)")                \
    X(LOG_BRANCHES,                                                            \
      SQL_LOG_ROW "WHERE space = ?1 AND author = ?2 AND incarnation = ?3"      \
                  " ORDER BY branch")                                          \
    X(LOG_IDENTITY, "SELECT space, author, incarnation FROM log WHERE n = ?1") \
    X(LOG_ADD,                                                                 \
      "INSERT INTO log (space, author, incarnation, branch, forked, before,"   \
      " number, hash, clock, seq, cited, superseded)"                          \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")           \
    X(LOG_SET,                                                                 \
      "UPDATE log SET forked = ?2, number = ?3, hash = ?4, clock = ?5,"        \
      " seq = ?6, cited = ?7, superseded = ?8 WHERE n = ?1")                   \
    X(LOG_FRONTIER, SQL_HEADS "AND l.superseded = 0" SQL_HEADS_ORDER)          \
    X(LOG_HEADS, SQL_HEADS SQL_HEADS_ORDER)                                    \
    X(LOG_LAST_OF, SQL_HEADS "AND l.superseded = 0 AND l.author = ?2"          \
                             " ORDER BY l.clock DESC, l.hash LIMIT 1")         \
    X(LOG_TIPS, "SELECT l.hash, l.clock, a.key"                                \
                " FROM log AS l CROSS JOIN author AS a ON a.n = l.author"      \
                " CROSS JOIN change_set AS c ON c.seq = l.seq"                 \
                " WHERE l.space = ?1 AND l.cited = 0 AND c.state <> 2"         \
                " ORDER BY l.seq")                                             \
    X(CHANGE_SET_ADD,                                                          \
      "INSERT INTO change_set (seq, log, number, clock, epoch, state, wait,"   \
      " verdict, signed, wall, length, hash, links, signature, payload)"       \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"  \
      " ?15)")                                                                 \
    X(CHANGE_SET_SIGN,                                                         \
      "UPDATE change_set SET signature = ?2, signed = 1 WHERE seq = ?1")       \
    X(CHANGE_SET_SETTLE,                                                       \
      "UPDATE change_set SET state = ?2, wait = ?3, verdict = ?4"              \
      " WHERE seq = ?1")                                                       \
    X(CHANGE_SET_WALL, "UPDATE change_set SET wall = ?2 WHERE seq = ?1")       \
    X(CHANGE_SET_READ, SQL_ENTRY "WHERE seq = ?1")                             \
    X(CHANGE_SET_NEXT,                                                         \
      SQL_ENTRY "WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT 1")           \
    X(CHANGE_SET_NEXT_WAITING, SQL_ENTRY                                       \
      "WHERE state = 2 AND seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT 1")       \
    X(CHANGE_SET_NEXT_UNSIGNED,                                                \
      SQL_ENTRY "WHERE signed = 0 AND seq > ?1 ORDER BY seq LIMIT 1")          \
    X(CHANGE_SET_NEWEST,                                                       \
      "SELECT seq FROM change_set WHERE seq > ?1 AND seq <= ?2"                \
      " ORDER BY seq DESC LIMIT 1")                                            \
    X(CHANGE_SET_BRIEF,                                                        \
      "SELECT log, number, clock, epoch, state, hash FROM change_set"          \
      " WHERE seq = ?1")                                                       \
    X(CHANGE_SET_LINK, "SELECT log, hash FROM change_set WHERE seq = ?1")      \
    X(CHANGE_SET_FIND, "SELECT seq, log, hash FROM change_set"                 \
                       " WHERE substr(hash, 1, 8) = ?1")                       \
    X(CHANGE_SET_NAMED, "SELECT seq, state, wall, hash FROM change_set"        \
                        " WHERE substr(hash, 1, 8) = ?1")                      \
    X(CHANGE_SET_AT, "SELECT seq FROM change_set"                              \
                     " WHERE log = ?1 AND number = ?2")                        \
    X(CHANGE_SET_WAITING, "SELECT count(*) FROM change_set"                    \
                          " WHERE state = 2 AND seq > ?1 AND seq <= ?2")       \
    X(CHANGE_SET_NEWER, "SELECT count(*) FROM change_set"                      \
                        " WHERE state = 2 AND wait = 3"                        \
                        " AND seq > ?1 AND seq <= ?2")                         \
    X(CHANGE_SET_VOID, "SELECT count(*) FROM change_set"                       \
                       " WHERE state = 1 AND seq > ?1 AND seq <= ?2")

#endif
