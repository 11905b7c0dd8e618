/*
 * progress.c - the progress line of a session that reads a prompt.
 */
#include "cli/reading/progress.h"

#include "cli/reading/measure.h"

static bool on_batch(void *ctx, size_t done, size_t total) {
    reading_progress *p = ctx;
    const double now = term_now();
    const uint32_t pos = lfm_session_pos(p->session);
    (void)total;
    if (p->at <= 0) { /* the first batch: the session may have kept what is before it */
        p->at = p->line.started;
        p->pos = p->first = pos - (uint32_t)done;
    }
    reading_add(&p->times, p->pos, pos - p->pos, now - p->at);
    p->pos = pos;
    p->at = now;
    const double left = p->times.rest.n > 0
                            ? reading_seconds(reading_fit(&p->times), pos, p->end - pos) : -1;
    term_progress_show_left(&p->line, p->what, pos - p->first, p->end - p->first, left);
    return !term_stopped();
}

void reading_progress_start(reading_progress *p, lfm_session *s, const char *what, uint32_t end,
                            int when) {
    const reading_cost expected = reading_expect(lfm_session_model(s));
    *p = (reading_progress){.what = what, .session = s, .end = end,
                            .times.ratio = expected.position / expected.token};
    term_progress_start(&p->line, when);
    lfm_session_on_progress(s, on_batch, p);
}

void reading_progress_end(reading_progress *p) {
    lfm_session_on_progress(p->session, NULL, NULL);
    term_progress_end(&p->line);
}
