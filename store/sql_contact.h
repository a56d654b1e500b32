/* sql_contact.h - the statements of contact.c; see sql.h. */
#ifndef COVEY_STORE_SQL_CONTACT_H
#define COVEY_STORE_SQL_CONTACT_H

#define SQL_CONTACT(X)                                                         \
    X(PEER_PUT, "INSERT OR REPLACE INTO peer (key, at) VALUES (?1, ?2)")       \
    X(PEER_NEXT, "SELECT key, at FROM peer WHERE key > ?1 ORDER BY key"        \
                 " LIMIT 1")                                                   \
    X(JOINING_PUT, "INSERT OR REPLACE INTO joining (space, ticket, \"left\")"  \
                   " VALUES (?1, ?2, ?3)")                                     \
    X(JOINING_NEXT, "SELECT space, ticket, \"left\" FROM joining"              \
                    " WHERE space > ?1 ORDER BY space LIMIT 1")                \
    X(JOINING_DROP, "DELETE FROM joining WHERE space = ?1")                    \
    X(WISH_PUT, "INSERT OR REPLACE INTO wish (space, key, at)"                 \
                " VALUES (?1, ?2, ?3)")                                        \
    X(WISH_NEXT, "SELECT key, at FROM wish WHERE space = ?1 AND key > ?2"      \
                 " ORDER BY key LIMIT 1")                                      \
    X(WISH_DROP, "DELETE FROM wish WHERE space = ?1 AND key = ?2")             \
    X(CARRY_ALLOW, "INSERT OR IGNORE INTO allowed (what) VALUES (?1)")         \
    X(CARRY_DONE, "DELETE FROM asked WHERE space = ?1 OR key = ?1")            \
    X(CARRY_ALLOWED, "SELECT 1 FROM allowed WHERE what IN (?1, ?2) LIMIT 1")   \
    X(CARRY_ASK, "INSERT OR IGNORE INTO asked (space, key, wall_ms)"           \
                 " VALUES (?1, ?2, ?3)")                                       \
    X(CARRY_TRIM, "DELETE FROM asked WHERE n <="                               \
                  " (SELECT max(n) FROM asked) - ?1")

#endif
