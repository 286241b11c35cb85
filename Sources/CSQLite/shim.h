#ifndef HINTBENCH_CSQLITE_SHIM_H
#define HINTBENCH_CSQLITE_SHIM_H

#include <sqlite3.h>

// SQLITE_TRANSIENT is a cast of -1, which doesn't import: SQLite copies the text before it returns.
static inline int hintbench_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *text, int bytes) {
  return sqlite3_bind_text(statement, index, text, bytes, SQLITE_TRANSIENT);
}

#endif
