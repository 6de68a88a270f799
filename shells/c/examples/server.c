/*
 * A little server: recording_core with libmicrohttpd. It carries bytes and decides nothing.
 *
 *     server WORLD [PORT [ADMIN_PORT]]
 *
 * WORLD is a file of UCCs, agents and sessions: see world.h. Two listeners on 127.0.0.1: the API, and call control, which begins (PUT) and ends (DELETE) /sessions/NAME/ID. Events
 * are printed, one a line. The ports are printed first; 0 is one that is free.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "world.h"

#define API "/attendantservice/api/recording/"
#define SESSIONS "/sessions/"

enum { MOST_SESSIONS = 1000, MOST_UCCS = 64, MOST_AGENTS = 1000, TEXT = 64 * 1024, MOST_DISCARDED = 1 << 20 };

static uint64_t memory[RC_DESK_SIZE(MOST_SESSIONS, MOST_UCCS, MOST_AGENTS, TEXT) / 8];
static rc_desk *desk;
/* A desk is used by one thread at a time: the API's and call control's take turns. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

/* A request while it arrives. */
struct arriving {
    char *target;
    char *content_type;
    char body[RC_BODY_MAX + 1]; /* one more than is read tells a body that is too long */
    size_t body_len, discarded;
    int began;
};

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "server: %s: %s\n", what, why);
    return 1;
}

/* The request target as it came: libmicrohttpd would decode it. */
static void *arrive(void *context, const char *target, struct MHD_Connection *connection)
{
    struct arriving *request = calloc(1, sizeof *request);
    (void)context, (void)connection;
    if (request != NULL && (request->target = strdup(target)) == NULL) {
        free(request);
        return NULL;
    }
    return request;
}

static void leave(void *context, struct MHD_Connection *connection, void **place, enum MHD_RequestTerminationCode how)
{
    struct arriving *request = *place;
    (void)context, (void)connection, (void)how;
    if (request != NULL) {
        free(request->target);
        free(request->content_type);
        free(request);
    }
}

/* Content-Type, several of them joined. */
static enum MHD_Result header(void *place, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct arriving *request = place;
    const char *before = request->content_type, *mine = value == NULL ? "" : value;
    (void)kind;
    if (strcasecmp(key, "content-type") != 0)
        return MHD_YES;
    size_t size = (before == NULL ? 0 : strlen(before) + 2) + strlen(mine) + 1;
    char *joined = malloc(size);
    if (joined == NULL)
        return MHD_NO;
    snprintf(joined, size, "%s%s%s", before == NULL ? "" : before, before == NULL ? "" : ", ", mine);
    free(request->content_type);
    request->content_type = joined;
    return MHD_YES;
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, unsigned status, const rc_buffer *body, const char *allow)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result sent = MHD_NO;
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", RC_CONTENT_TYPE);
    MHD_add_response_header(response, "Cache-Control", RC_CACHE_CONTROL);
    if (allow != NULL)
        MHD_add_response_header(response, "Allow", allow);
    sent = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return sent;
}

static rc_request request_of(const struct arriving *request, const char *method)
{
    rc_text body = {request->body, request->body_len};
    rc_request all = {rc_text_of(method), rc_text_of(request->target), rc_text_of(request->content_type), body};
    return all;
}

/* Headers first, then the body piece by piece: 1 when the request is there as far as it is needed. */
static int is_there(struct arriving *request, struct MHD_Connection *connection, const char *method, int any_body,
                    const char *piece, size_t *size)
{
    if (!request->began) {
        uint8_t wants_body = 0;
        request->began = 1;
        MHD_get_connection_values(connection, MHD_HEADER_KIND, header, request);
        rc_request head = request_of(request, method);
        return rc_wants_body(&head, &wants_body) == RC_OK && !wants_body && !any_body;
    }
    if (*size == 0)
        return 1;
    size_t room = sizeof request->body - request->body_len, kept = *size < room ? *size : room;
    memcpy(request->body + request->body_len, piece, kept);
    request->body_len += kept;
    request->discarded += *size - kept;
    *size = 0;
    return 0;
}

static enum MHD_Result api(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                           const char *version, const char *piece, size_t *size, void **place)
{
    struct arriving *arriving = *place;
    char reply[RC_REPLY_MAX], event[RC_EVENT_MAX];
    rc_answer answer = {.reply = {reply, sizeof reply, 0}, .event = {event, sizeof event, 0}};
    (void)context, (void)url, (void)version;
    if (arriving == NULL || arriving->discarded > MOST_DISCARDED)
        return MHD_NO;
    if (!is_there(arriving, connection, method, 0, piece, size))
        return MHD_YES;
    rc_request request = request_of(arriving, method);
    pthread_mutex_lock(&turn);
    rc_status status = rc_desk_handle(desk, &request, &answer);
    if (status == RC_OK && answer.event.len > 0) {
        printf("%s %.*s\n", RC_EVENT_NAME, (int)answer.event.len, event);
        fflush(stdout);
    }
    pthread_mutex_unlock(&turn);
    if (status != RC_OK) {
        fail("rc_desk_handle", rc_status_text(status));
        return MHD_NO;
    }
    return send_reply(connection, answer.status, &answer.reply, answer.allow);
}

/* Begins or ends the session that the question names; `reply` holds what there is to say of it. */
static unsigned control(const rc_question *session, const char *method, rc_text document, rc_buffer *reply)
{
    rc_text id = rc_text_of(session->correlation_id_text);
    rc_state state = RC_STATE_INITIAL;
    rc_ended ended = {0, 0};
    rc_status status = RC_OK;
    if (strcmp(method, "DELETE") == 0) {
        if ((status = rc_desk_end(desk, session->ucc, id, &ended)) == RC_OK) {
            reply->len = (size_t)sprintf(reply->data, "{\"Disposition\":\"%s\"}", rc_disposition_name(ended.disposition));
            return 200;
        }
    } else if (document.len == 0 || (status = rc_state_read(document, &state)) == RC_OK) {
        status = rc_desk_begin(desk, session->ucc, id, state);
        if (status == RC_OK || status == RC_ALREADY_OPEN) {
            rc_desk_state(desk, session->ucc, id, &state);
            rc_state_write(state, reply);
            return status == RC_OK ? 201 : 200;
        }
    }
    reply->len = (size_t)sprintf(reply->data, "{\"ErrorMessage\":{\"ErrorType\":2,\"Message\":\"%s\"}}", rc_status_text(status));
    return status == RC_UNKNOWN_UCC || status == RC_UNKNOWN_SESSION ? 404 : status == RC_SESSIONS_FULL ? 503 : 400;
}

/* Call control. The names in its paths are read as the API reads them. */
static enum MHD_Result admin(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                             const char *version, const char *piece, size_t *size, void **place)
{
    struct arriving *arriving = *place;
    char reply[RC_REPLY_MAX], event[RC_EVENT_MAX], target[2048];
    rc_answer answer = {.reply = {reply, sizeof reply, 0}, .event = {event, sizeof event, 0}, .status = 404};
    rc_exchange exchange;
    rc_question session;
    (void)context, (void)url, (void)version;
    if (arriving == NULL || arriving->discarded > MOST_DISCARDED)
        return MHD_NO;
    if (!is_there(arriving, connection, method, 1, piece, size))
        return MHD_YES;
    int is_session = strncmp(arriving->target, SESSIONS, strlen(SESSIONS)) == 0;
    snprintf(target, sizeof target, API "%s", arriving->target + (is_session ? strlen(SESSIONS) : strlen(arriving->target)));
    rc_request request = {rc_text_of("GET"), rc_text_of(target), rc_text_of(NULL), rc_text_of(NULL)};
    rc_exchange_begin(&exchange, &request);
    if (rc_exchange_answer(&exchange, &answer) == RC_OK) /* nothing that could be understood */
        return send_reply(connection, answer.status, &answer.reply, answer.allow);
    if (strcmp(method, "PUT") != 0 && strcmp(method, "DELETE") != 0)
        return send_reply(connection, 405, &answer.reply, "PUT, DELETE");
    rc_exchange_question(&exchange, &session);
    rc_text document = {arriving->body, arriving->body_len};
    if (session.asks == RC_ASKS_STATE) {
        pthread_mutex_lock(&turn);
        answer.status = (uint16_t)control(&session, method, document, &answer.reply);
        pthread_mutex_unlock(&turn);
    }
    return send_reply(connection, answer.status, &answer.reply, NULL);
}

int main(int count, char **arguments)
{
    const rc_capacities capacities = {MOST_SESSIONS, MOST_UCCS, MOST_AGENTS, TEXT};
    struct sockaddr_in at[2];
    struct MHD_Daemon *daemons[2];
    sigset_t end;
    int signal_number;
    if (count < 2 || count > 4)
        return fail("usage", "server WORLD [PORT [ADMIN_PORT]]");
    if (rc_desk_init(memory, sizeof memory, &capacities, &desk) != RC_OK || read_world(desk, arguments[1]) != 0)
        return 1;
    sigemptyset(&end);
    sigaddset(&end, SIGINT);
    sigaddset(&end, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &end, NULL);
    for (int place = 0; place < 2; place++) {
        memset(&at[place], 0, sizeof at[place]);
        at[place].sin_family = AF_INET;
        at[place].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        at[place].sin_port = htons((uint16_t)(count > 2 + place ? strtoul(arguments[2 + place], NULL, 10) : 8080U + (unsigned)place));
        daemons[place] = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, place == 0 ? api : admin, NULL,
                                          MHD_OPTION_SOCK_ADDR, &at[place], MHD_OPTION_URI_LOG_CALLBACK, arrive, NULL,
                                          MHD_OPTION_NOTIFY_COMPLETED, leave, NULL, MHD_OPTION_CONNECTION_TIMEOUT, 10U, MHD_OPTION_END);
        if (daemons[place] == NULL)
            return fail("listening", "the port cannot be had");
        printf("%s on http://127.0.0.1:%d\n", place == 0 ? "API" : "call control", MHD_get_daemon_info(daemons[place], MHD_DAEMON_INFO_BIND_PORT)->port);
    }
    fflush(stdout);
    sigwait(&end, &signal_number);
    MHD_stop_daemon(daemons[0]);
    MHD_stop_daemon(daemons[1]);
    return 0;
}
