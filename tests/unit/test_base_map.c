/*
 * test_base_map.c - files as bytes: what is refused, and noticing that they change.
 */
#include "base/system/map.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/lfm-map-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int drop_folder(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "pipe", "socket", "loop"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unlink(names[i]);
    }
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static void write_file(const char *name, const char *text) {
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void make_socket(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *name, *says;
    } cases[] = {
        {"missing", "No such file"}, {".", "is a directory"}, {"pipe", "is not a regular file"},
        {"/dev/zero", "is not a regular file"}, {"/dev/null", "is not a regular file"},
        {"socket", ""}, {"loop", "symbolic links"}, {"", "No such file"},
        {"a/b", ""}, {"missing/b", "No such file"},
    };
    write_file("a", "a");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    make_socket("socket");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        map m;
        lfm_error err = {0};
        if (map_open(&m, cases[i].name, &err) != LFM_ERR_IO || !strstr(err.text, cases[i].says)) {
            fail_msg("'%s': %s", cases[i].name, err.text);
        }
        assert_null(m.data);
        map_close(&m);
    }
}

static void test_bytes(void **state) {
    (void)state;
    map m;
    write_file("a", "some bytes");
    assert_int_equal(map_open(&m, "a", NULL), LFM_OK);
    assert_int_equal(m.size, 10);
    assert_memory_equal(m.data, "some bytes", 10);
    map_close(&m);
    map_close(&m); /* is zeroed */
    write_file("a", "");
    assert_int_equal(map_open(&m, "a", NULL), LFM_OK);
    assert_int_equal(m.size, 0);
    assert_null(m.data);
    assert_int_equal(map_check(&m, "a", NULL), LFM_OK);
    map_close(&m);
}

/* A copy has the bytes that the file had, whatever happens to it; it refuses what mapping does. */
static void test_copies(void **state) {
    (void)state;
    lfm_error err = {0};
    map m;
    write_file("c", "some bytes");
    assert_int_equal(map_read(&m, "c", &err), LFM_OK);
    assert_int_equal(m.size, 10);
    assert_int_equal(truncate("c", 0), 0);
    assert_memory_equal(m.data, "some bytes", 10);
    assert_int_equal(map_check(&m, "c", &err), LFM_OK);
    map_close(&m);
    map_close(&m);
    assert_int_equal(map_read(&m, "c", &err), LFM_OK);
    assert_true(m.size == 0 && m.data == NULL);
    map_close(&m);
    assert_int_equal(map_read(&m, ".", &err), LFM_ERR_IO);
    assert_int_equal(map_read(&m, "/dev/zero", &err), LFM_ERR_IO);
    assert_int_equal(map_read(&m, "missing", &err), LFM_ERR_IO);
    assert_null(m.data);
}

/* Locking what the limit allows, and the message when it does not; root may lock everything. */
static void test_lock(void **state) {
    (void)state;
    const struct rlimit none = {0, 0};
    lfm_error err = {0};
    map m;
    write_file("d", "some bytes");
    assert_int_equal(map_open(&m, "d", &err), LFM_OK);
    const lfm_status first = map_lock(&m, "d", &err);
    assert_true(first == LFM_OK || first == LFM_ERR_MEMORY);
    map_close(&m);
    assert_int_equal(map_lock(&m, "d", &err), LFM_OK); /* nothing to lock */
    if (geteuid() != 0) {
        assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
        assert_int_equal(map_open(&m, "d", &err), LFM_OK);
        assert_int_equal(map_lock(&m, "d", &err), LFM_ERR_MEMORY);
        assert_non_null(strstr(err.text, "the limit is 0 MiB. Raise it: ulimit -l unlimited"));
        map_close(&m);
    }
}

/* Nothing stays open: the next descriptor has the number that it had before. */
static void test_descriptors(void **state) {
    (void)state;
    const int before = dup(0);
    close(before);
    write_file("a", "x");
    for (int i = 0; i < 3; i++) {
        map m;
        assert_int_equal(map_open(&m, "a", NULL), LFM_OK);
        map_close(&m);
        assert_int_equal(map_read(&m, "a", NULL), LFM_OK);
        map_close(&m);
        assert_int_equal(map_read(&m, "/dev/zero", NULL), LFM_ERR_IO);
        assert_int_equal(map_open(&m, "/dev/zero", NULL), LFM_ERR_IO);
        assert_int_equal(map_open(&m, "missing", NULL), LFM_ERR_IO);
    }
    const int after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

static void test_changes(void **state) {
    (void)state;
    static const struct timespec past[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    lfm_error err = {0};
    map m;
    write_file("a", "some bytes");
    assert_int_equal(utimensat(AT_FDCWD, "a", past, 0), 0); /* clocks of files are coarse */
    assert_int_equal(map_open(&m, "a", &err), LFM_OK);
    assert_int_equal(map_check(&m, "a", &err), LFM_OK);

    write_file("b", "other");
    assert_int_equal(rename("b", "a"), 0); /* a new file: ours is still there */
    assert_int_equal(map_check(&m, "a", &err), LFM_OK);
    assert_memory_equal(m.data, "some bytes", 10);
    map_close(&m);

    assert_int_equal(utimensat(AT_FDCWD, "a", past, 0), 0);
    assert_int_equal(map_open(&m, "a", &err), LFM_OK);
    write_file("a", "other"); /* the same length */
    assert_int_equal(map_check(&m, "a", &err), LFM_ERR_IO);
    assert_string_equal(err.text, "a: the file was changed while it was in use; start again when "
                                  "it is complete");
    map_close(&m);

    assert_int_equal(map_open(&m, "a", &err), LFM_OK);
    assert_int_equal(truncate("a", 2), 0);
    assert_int_equal(map_check(&m, "a", &err), LFM_ERR_IO);
    map_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
