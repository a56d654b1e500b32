/* sql_schema.h - the statements of schema.c; see sql.h. */
#ifndef COVEY_STORE_SQL_SCHEMA_H
#define COVEY_STORE_SQL_SCHEMA_H

#define SQL_SCHEMA(X)                                                          \
    X(STEP_NUMBER, "PRAGMA user_version")                                      \
    X(SCHEMA_VERSION, "PRAGMA schema_version")                                 \
    X(SHAPE_WANTED, "SELECT hash, rules FROM shape WHERE name = ''")           \
    X(SHAPE_OBJECTS,                                                           \
      "SELECT o.type, o.name, o.tbl_name, o.sql, p.hash"                       \
      " FROM sqlite_schema AS o LEFT JOIN shape AS p ON p.name = o.name"       \
      " WHERE o.sql IS NOT NULL")                                              \
    X(SHAPE_MISSING,                                                           \
      "SELECT name FROM shape WHERE name <> ''"                                \
      " AND name NOT IN (SELECT name FROM sqlite_schema) LIMIT 1")             \
    X(SHAPE_MADE, "SELECT type, name FROM sqlite_schema"                       \
                  " WHERE type IN ('trigger', 'view')"                         \
                  " AND name IN (SELECT name FROM shape) LIMIT 1")             \
    X(SHAPE_COLUMN, "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2")     \
    X(SHAPE_FORGET, "DELETE FROM shape")                                       \
    X(SHAPE_PUT, "INSERT INTO shape (name, hash, rules) VALUES (?1, ?2, ?3)")

#endif
