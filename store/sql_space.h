/* sql_space.h - the statements of space.c, invite.c and store.c; see sql.h. */
#ifndef COVEY_STORE_SQL_SPACE_H
#define COVEY_STORE_SQL_SPACE_H

#define SQL_SPACE_ROW                                                          \
    "SELECT n, id, kind, role, carried, name, label, digest, rows FROM space "

#define SQL_SPACE(X)                                                           \
    X(SELF_GET, "SELECT member, node, kind, urn, name, member_cert, node_cert" \
                " FROM self")                                                  \
    X(SELF_PUT, "INSERT INTO self (one, member, node, kind, urn, name,"        \
                " member_cert, node_cert) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6,"  \
                " ?7)")                                                        \
    X(SPACE_ADD,                                                               \
      "INSERT OR IGNORE INTO space (id, kind, role, carried, name, label,"     \
      " digest, rows)"                                                         \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, zeroblob(16), 0) RETURNING n")         \
    X(SPACE_SET, "UPDATE space SET kind = ?2, role = ?3, carried = ?4,"        \
                 " name = ?5 WHERE n = ?1")                                    \
    X(SPACE_NEXT, SQL_SPACE_ROW "WHERE n > ?1 ORDER BY n LIMIT 1")             \
    X(SPACE_GET, SQL_SPACE_ROW "WHERE n = ?1")                                 \
    X(DOOR_DROP, "DELETE FROM door WHERE space = ?1")                          \
    X(DOOR_PUT, "INSERT INTO door (space, n, inserts, updates)"                \
                " VALUES (?1, ?2, ?3, ?4)")                                    \
    X(EPOCH_ADD, "INSERT INTO epoch (space, number, hash, bytes)"              \
                 " VALUES (?1, ?2, ?3, ?4)")                                   \
    X(EPOCH_GET, "SELECT bytes FROM epoch WHERE space = ?1 AND number = ?2")   \
    X(KEY_PUT, "INSERT OR REPLACE INTO space_key (space, number, key,"         \
               " history) VALUES (?1, ?2, ?3, ?4)")                            \
    X(KEY_GET, "SELECT key, history FROM space_key"                            \
               " WHERE space = ?1 AND number = ?2")                            \
    X(MEMBERS_DROP, "DELETE FROM member WHERE space = ?1")                     \
    X(NODES_DROP, "DELETE FROM node WHERE space = ?1")                         \
    X(MEMBER_PUT,                                                              \
      "INSERT INTO member (space, slot, id, name, role, kind, urn, present)"   \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                              \
    X(NODE_PUT,                                                                \
      "INSERT INTO node (space, slot, noise, author, name, address, present)"  \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                  \
    X(INVITE_PUT,                                                              \
      "INSERT OR REPLACE INTO invite (space, id, secret, role, expires_ms)"    \
      " VALUES (?1, ?2, ?3, ?4, ?5)")                                          \
    X(INVITE_GET, "SELECT secret, role, expires_ms FROM invite"                \
                  " WHERE space = ?1 AND id = ?2")                             \
    X(INVITE_DROP, "DELETE FROM invite WHERE space = ?1 AND id = ?2")          \
    X(REQUEST_SAME, "SELECT id, sealed FROM request"                           \
                    " WHERE space = ?1 AND invite = ?2")                       \
    X(REQUEST_ADD, "INSERT INTO request (space, invite, sealed)"               \
                   " VALUES (?1, ?2, ?3) RETURNING id")                        \
    X(REQUEST_OPENED,                                                          \
      "UPDATE request SET name = ?2, fingerprint = ?3 WHERE id = ?1")          \
    X(REQUEST_NEXT,                                                            \
      "SELECT id, invite, sealed, name, fingerprint FROM request"              \
      " WHERE space = ?1 AND id > ?2 ORDER BY id LIMIT 1")                     \
    X(REQUEST_DROP, "DELETE FROM request WHERE space = ?1 AND invite = ?2")

#endif
