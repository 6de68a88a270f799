/*
 * The API in the way of firmware: a loop over a serial line, here stdin and stdout. Everything is in fixed memory, and
 * nothing is decided here.
 *
 *     serial WORLD
 *
 * A request is a line `METHOD TARGET LENGTH CONTENT-TYPE` (`-` for none; it may hold spaces) and LENGTH bytes of body.
 * The answer is a line `STATUS LENGTH` and LENGTH bytes of reply and, if something changed, a line `EVENT LENGTH` and
 * LENGTH bytes of event; then a line `END`. The world is read by the C library; a device would have it in its code.
 */
#include "world.h"

enum { SESSIONS = 64, UCCS = 16, AGENTS = 64, TEXT = 2048 };

static uint64_t memory[RC_DESK_SIZE(SESSIONS, UCCS, AGENTS, TEXT) / 8];
static char line[4096], body[RC_BODY_MAX + 1], reply[RC_REPLY_MAX], event[RC_EVENT_MAX];

/* Reads a body as far as it is looked at, and past the rest of it. */
static size_t read_body(size_t len)
{
    size_t kept = fread(body, 1, len < sizeof body ? len : sizeof body, stdin);
    for (size_t at = kept; at < len && getchar() != EOF; at++)
        continue;
    return kept;
}

int main(int count, char **arguments)
{
    const rc_capacities capacities = {SESSIONS, UCCS, AGENTS, TEXT};
    rc_desk *desk;
    if (count != 2 || rc_desk_init(memory, sizeof memory, &capacities, &desk) != RC_OK || read_world(desk, arguments[1]) != 0) {
        fputs("usage: serial WORLD\n", stderr);
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        rc_answer answer = {.reply = {reply, sizeof reply, 0}, .event = {event, sizeof event, 0}};
        char *target = strchr(line, ' '), *len = target == NULL ? NULL : strchr(target + 1, ' ');
        char *content_type = len == NULL ? NULL : strchr(len + 1, ' ');
        if (content_type == NULL) {
            fputs("serial: not METHOD TARGET LENGTH CONTENT-TYPE\n", stderr);
            return 1;
        }
        *target++ = *len++ = *content_type++ = '\0';
        content_type[strcspn(content_type, "\r\n")] = '\0';
        rc_text said = {body, read_body(strtoul(len, NULL, 10))};
        rc_request request = {rc_text_of(line), rc_text_of(target), rc_text_of(strcmp(content_type, "-") == 0 ? NULL : content_type), said};
        rc_status status = rc_desk_handle(desk, &request, &answer);
        if (status != RC_OK) {
            fprintf(stderr, "serial: %s\n", rc_status_text(status));
            return 1;
        }
        printf("%u %zu\n", answer.status, answer.reply.len);
        fwrite(reply, 1, answer.reply.len, stdout);
        if (answer.event.len > 0) {
            printf("EVENT %zu\n", answer.event.len);
            fwrite(event, 1, answer.event.len, stdout);
        }
        puts("END");
        fflush(stdout);
    }
    return 0;
}
