/* sql_query.h - the statements of query.c; see sql.h. */
#ifndef COVEY_STORE_SQL_QUERY_H
#define COVEY_STORE_SQL_QUERY_H

/* One row: '' for what is no object, or a name in it that is not a field. */
#define SQL_QUERY(X)                                                           \
    X(BODY_UNKNOWN,                                                            \
      "SELECT '' WHERE json_type(?1) IS NOT 'object'"                          \
      " UNION ALL SELECT key FROM json_each(?1)"                               \
      " WHERE instr(' ' || ?2 || ' ', ' ' || key || ' ') = 0 LIMIT 1")         \
    X(JSON_READY, "SELECT 1 FROM json_each('[]'), json_tree('[]')")

#endif
