/*
 * analyzer.h - what clang-tidy cannot see from one file: err_set returns the status that it is
 * given, and err_no_memory LFM_ERR_MEMORY, so what follows `st == LFM_OK` knows that nothing was
 * wrong.  Read before every file
 * but the one that defines it (tools/check_all.sh).
 */
#include "base/error.h"

#define err_set(err, status, ...) ((void)(err_set)(err, status, __VA_ARGS__), (status))
#define err_no_memory(err, what_for) ((void)(err_no_memory)(err, what_for), LFM_ERR_MEMORY)
