/* A desk: what each function does, and what it says to a caller that is wrong. */
#include "world.h"

static void sizes(void)
{
    const rc_capacities wrong[] = {{0, 1, 1, 1}, {1, 0, 1, 1}, {1, 1, 0, 1}, {1, 1, 1, 0}, {65535, 1, 1, 1}, {1, 65535, 1, 1}, {1, 1, 65535, 1}};
    const uint32_t some[] = {1, 2, 3, 7, 64, 1000, 65534};
    rc_desk *desk = NULL;
    for (size_t s = 0; s < 7; s++)
        for (size_t u = 0; u < 7; u++)
            for (size_t a = 0; a < 7; a++)
                for (size_t t = 0; t < 7; t++) {
                    const rc_capacities capacities = {some[s], some[u], some[a], some[t]};
                    CHECK(rc_desk_size(&capacities) == RC_DESK_SIZE(some[s], some[u], some[a], some[t]));
                }
    for (size_t place = 0; place < sizeof wrong / sizeof *wrong; place++) {
        CHECK(rc_desk_size(&wrong[place]) == 0);
        CHECK(rc_desk_init(memory, SIZE_MAX, &wrong[place], &desk) == RC_NO_CAPACITY);
    }
    const rc_capacities right = {SESSIONS, UCCS, AGENTS, TEXT};
    CHECK(rc_desk_align() == RC_DESK_ALIGN && rc_desk_size(NULL) == 0 && rc_exchange_size() == sizeof(rc_exchange));
    CHECK(sizeof(rc_exchange) == RC_EXCHANGE_SIZE);
    CHECK(rc_desk_init(NULL, sizeof memory, &right, &desk) == RC_NULL);
    CHECK(rc_desk_init(memory, sizeof memory, NULL, &desk) == RC_NULL);
    CHECK(rc_desk_init(memory, sizeof memory, &right, NULL) == RC_NULL);
    for (size_t at = 1; at < RC_DESK_ALIGN; at++)
        CHECK(rc_desk_init((char *)memory + at, sizeof memory - at, &right, &desk) == RC_MISALIGNED);
    for (size_t size = 0; size < sizeof memory; size++)
        CHECK(rc_desk_init(memory, size, &right, &desk) == RC_MEMORY_TOO_SMALL);
    CHECK(desk == NULL);
}

static void no_desk(rc_desk *desk, rc_status why)
{
    rc_answer answer = answer_here();
    rc_request request = get(READ);
    rc_ended ended = {99, 99};
    rc_session session;
    rc_state state = 99;
    CHECK(rc_desk_add_ucc(desk, text("u"), &ON) == why && rc_desk_set_settings(desk, text("u"), &ON) == why);
    CHECK(rc_desk_add_agent(desk, text("u"), text("sip:a@b")) == why && rc_desk_begin(desk, text("u"), text(ID), 0) == why);
    CHECK(rc_desk_end(desk, text("u"), text(ID), &ended) == why && rc_desk_state(desk, text("u"), text(ID), &state) == why);
    CHECK(rc_desk_sessions(desk) == 0 && rc_desk_session(desk, 0, &session) == why);
    CHECK(rc_desk_handle(desk, &request, &answer) == why && answer.status == 0xeeee && ended.state == 99 && state == 99);
}

static void desk_errors(void)
{
    rc_desk *desk = fresh_desk();
    const rc_text ucc = text("ucc-demo-name"), id = text(ID), uri = text("sip:agent@domain.com");
    const rc_text wrong_names[] = {text(""), text("a/b"), text("a\x01"), text("\xff\xfe"), text("65 bytes: 0123456789012345678901234567890123456789012345678901234")};
    const rc_text wrong_uris[] = {text(""), text("agent@domain.com"), text("sip:agent"), text("sip:a@b@c"), text("sip:\xc3\xa4@b")};
    const rc_text wrong_ids[] = {text(""), text("urn:uuid:" ID), text(ID "0"), text("1d6c6a58")};
    rc_ended ended = {99, 99};
    rc_state state = 99;

    for (size_t place = 0; place < 5; place++) {
        CHECK(rc_desk_add_ucc(desk, wrong_names[place], &ON) == RC_NO_UCC_NAME);
        CHECK(rc_desk_set_settings(desk, wrong_names[place], &ON) == RC_NO_UCC_NAME);
        CHECK(rc_desk_add_agent(desk, wrong_names[place], uri) == RC_NO_UCC_NAME);
        CHECK(rc_desk_begin(desk, wrong_names[place], id, 0) == RC_NO_UCC_NAME);
        CHECK(rc_desk_end(desk, wrong_names[place], id, &ended) == RC_NO_UCC_NAME);
        CHECK(rc_desk_state(desk, wrong_names[place], id, &state) == RC_NO_UCC_NAME);
        CHECK(rc_desk_add_agent(desk, ucc, wrong_uris[place]) == RC_NO_SIP_URI);
        CHECK(rc_desk_add_ucc(desk, text("new"), &NONSENSE[place]) == RC_NO_CODE);
        CHECK(rc_desk_set_settings(desk, ucc, &NONSENSE[place]) == RC_NO_CODE);
    }
    for (size_t place = 0; place < 4; place++) {
        CHECK(rc_desk_begin(desk, ucc, wrong_ids[place], 0) == RC_NO_CORRELATION_ID);
        CHECK(rc_desk_end(desk, ucc, wrong_ids[place], &ended) == RC_NO_CORRELATION_ID);
        CHECK(rc_desk_state(desk, ucc, wrong_ids[place], &state) == RC_NO_CORRELATION_ID);
    }
    CHECK(rc_desk_add_ucc(desk, NO_BYTES, &ON) == RC_NULL && rc_desk_add_ucc(desk, ENDLESS, &ON) == RC_TOO_LONG);
    CHECK(rc_desk_add_ucc(desk, text("new"), NULL) == RC_NULL && rc_desk_set_settings(desk, ucc, NULL) == RC_NULL);
    CHECK(rc_desk_add_agent(desk, ucc, NO_BYTES) == RC_NULL && rc_desk_add_agent(desk, ucc, ENDLESS) == RC_TOO_LONG);
    CHECK(rc_desk_begin(desk, ucc, NO_BYTES, 0) == RC_NULL && rc_desk_begin(desk, ucc, ENDLESS, 0) == RC_TOO_LONG);
    CHECK(rc_desk_end(desk, ucc, id, NULL) == RC_NULL && rc_desk_state(desk, ucc, id, NULL) == RC_NULL);
    CHECK(rc_desk_session(desk, 0, NULL) == RC_NULL);

    CHECK(rc_desk_add_ucc(desk, ucc, &ON) == RC_UCC_EXISTS && rc_desk_set_settings(desk, text("no"), &ON) == RC_UNKNOWN_UCC);
    CHECK(rc_desk_add_agent(desk, text("no"), uri) == RC_UNKNOWN_UCC && rc_desk_begin(desk, text("no"), id, 0) == RC_UNKNOWN_UCC);
    CHECK(rc_desk_end(desk, text("no"), id, &ended) == RC_UNKNOWN_UCC && rc_desk_state(desk, text("no"), id, &state) == RC_UNKNOWN_UCC);
    CHECK(rc_desk_end(desk, ucc, text(OTHER_ID), &ended) == RC_UNKNOWN_SESSION);
    CHECK(rc_desk_state(desk, ucc, text(OTHER_ID), &state) == RC_UNKNOWN_SESSION);
    CHECK(rc_desk_begin(desk, ucc, id, 0) == RC_ALREADY_OPEN);
    for (unsigned byte = 0; byte < 256; byte++)
        if (!rc_state_is_valid((rc_state)byte))
            CHECK(rc_desk_begin(desk, ucc, text(OTHER_ID), (rc_state)byte) == RC_NO_STATE);
    CHECK(ended.state == 99 && state == 99 && rc_desk_sessions(desk) == 1);

    /* Full: one agent of 20 bytes and a name of 13 are in; there are 64 bytes. */
    CHECK(rc_desk_add_agent(desk, ucc, text("SIP:Agent@DOMAIN.com")) == RC_OK);
    CHECK(rc_desk_add_agent(desk, ucc, text("sip:32-bytes-do-not-fit@here.com")) == RC_TEXT_FULL);
    CHECK(rc_desk_add_agent(desk, ucc, text("sip:b@c")) == RC_OK && rc_desk_add_agent(desk, ucc, text("sip:d@e")) == RC_AGENTS_FULL);
    CHECK(rc_desk_add_ucc(desk, text("25 bytes are one too many"), &ON) == RC_TEXT_FULL);
    CHECK(rc_desk_add_ucc(desk, text("24 bytes are right here."), &ON) == RC_OK);
    CHECK(rc_desk_add_ucc(desk, text("x"), &ON) == RC_UCCS_FULL);
    CHECK(rc_desk_begin(desk, ucc, text("00000000000000000000000000000001"), 0) == RC_OK);
    CHECK(rc_desk_begin(desk, ucc, text("00000000000000000000000000000002"), 1) == RC_OK);
    CHECK(rc_desk_begin(desk, ucc, text("{00000000-0000-0000-0000-000000000003}"), 2) == RC_OK);
    CHECK(rc_desk_begin(desk, ucc, text(OTHER_ID), 0) == RC_SESSIONS_FULL && rc_desk_sessions(desk) == SESSIONS);

    no_desk(NULL, RC_NULL);
    no_desk((rc_desk *)(void *)((char *)memory + 1), RC_MISALIGNED);
    static uint64_t zeros[8], ones[8] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    no_desk((rc_desk *)zeros, RC_NOT_INITIALIZED);
    no_desk((rc_desk *)ones, RC_NOT_INITIALIZED);
    /* Each bit of the capacities: a desk that was scribbled over is none. */
    for (size_t bit = 0; bit < 32 * 8; bit++) {
        unsigned char *byte = (unsigned char *)memory + bit / 8;
        *byte = (unsigned char)(*byte ^ 1U << bit % 8);
        no_desk(desk, RC_NOT_INITIALIZED);
        *byte = (unsigned char)(*byte ^ 1U << bit % 8);
    }
    CHECK(rc_desk_sessions(desk) == SESSIONS);
}

static void desk_works(void)
{
    rc_desk *desk = fresh_desk();
    rc_answer answer = answer_here();
    rc_request request = set(BODY("\"Pause\""));
    CHECK(rc_desk_handle(desk, &request, &answer) == RC_OK && answer.status == 200 && answer.action == RC_ACTION_PAUSE);
    CHECK(is(&answer.reply, REPLY("3")) && is(&answer.event, EVENT("3")) && answer.allow == NULL);
    CHECK(strcmp(answer.audit_name, "RecorderSetToPauseByAgent") == 0);
    CHECK(rc_desk_handle(desk, &request, &answer) == RC_OK && is(&answer.reply, REPLY("3")));
    CHECK(answer.event.len == 0 && answer.audit_name == NULL && answer.action == 0);
    request = get(READ);
    CHECK(rc_desk_handle(desk, &request, &answer) == RC_OK && is(&answer.reply, REPLY("3")));
    request.method = text("PUT");
    CHECK(rc_desk_handle(desk, &request, &answer) == RC_OK && answer.status == 405 && strcmp(answer.allow, "GET, HEAD") == 0);
    request.target = text("/attendantservice/api/recording/set");
    CHECK(rc_desk_handle(desk, &request, &answer) == RC_OK && answer.status == 405 && strcmp(answer.allow, "POST") == 0);

    /* A desk may be moved, and goes on. */
    static uint64_t elsewhere[RC_DESK_SIZE(SESSIONS, UCCS, AGENTS, TEXT) / 8];
    memcpy(elsewhere, memory, sizeof memory);
    memset(memory, 0, sizeof memory);
    desk = (rc_desk *)elsewhere;
    rc_session session;
    CHECK(rc_desk_sessions(desk) == 1 && rc_desk_session(desk, 0, &session) == RC_OK);
    CHECK(strcmp(session.correlation_id, ID) == 0 && session.state == RC_RECORDING_PAUSED);
    CHECK(session.ucc.len == 13 && memcmp(session.ucc.data, "ucc-demo-name", 13) == 0);
    CHECK(rc_desk_session(desk, 1, &session) == RC_UNKNOWN_SESSION && rc_desk_session(desk, SIZE_MAX, &session) == RC_UNKNOWN_SESSION);
    rc_settings refuse = ON;
    refuse.repeats = RC_REPEATS_REFUSE;
    CHECK(rc_desk_set_settings(desk, text("ucc-demo-name"), &refuse) == RC_OK);
    request = set(BODY("3"));
    CHECK(rc_desk_handle(desk, &request, &answer) == RC_OK && answer.event.len == 0 && !is(&answer.reply, REPLY("3")));
    rc_ended ended;
    CHECK(rc_desk_end(desk, text("ucc-demo-name"), text(ID), &ended) == RC_OK);
    CHECK(ended.state == RC_RECORDING_PAUSED && ended.disposition == RC_DISPOSITION_KEEP && rc_desk_sessions(desk) == 0);
}

static void buffers(void)
{
    rc_desk *desk = fresh_desk();
    const rc_request pause = set(BODY("3"));
    rc_request request = pause;
    rc_answer answer = answer_here();
    CHECK(rc_desk_handle(desk, NULL, &answer) == RC_NULL && rc_desk_handle(desk, &request, NULL) == RC_NULL);
    answer.reply.capacity = RC_REPLY_MAX - 1;
    CHECK(rc_desk_handle(desk, &request, &answer) == RC_BUFFER_TOO_SMALL);
    answer = answer_here();
    answer.event.capacity = RC_EVENT_MAX - 1;
    CHECK(rc_desk_handle(desk, &request, &answer) == RC_BUFFER_TOO_SMALL);
    answer = answer_here();
    answer.event.data = NULL;
    CHECK(rc_desk_handle(desk, &request, &answer) == RC_NULL);
    answer = answer_here();
    answer.reply.capacity = SIZE_MAX;
    CHECK(rc_desk_handle(desk, &request, &answer) == RC_TOO_LONG);
    answer = answer_here();
    static char together[4096];
    memcpy(together + 1000, BODY("3"), sizeof BODY("3"));
    request.body = text(together + 1000);
    for (size_t at = 0; at < 3000; at += 100) { /* bytes from `at` on, for the reply and for the event */
        answer.reply.data = together + at;
        int overlaps = at + RC_REPLY_MAX > 1000 && at < 1000 + request.body.len;
        if (overlaps)
            CHECK(rc_desk_handle(desk, &request, &answer) == RC_OVERLAP);
        answer = answer_here();
        answer.event.data = together + at;
        overlaps = at + RC_EVENT_MAX > 1000 && at < 1000 + request.body.len;
        if (overlaps)
            CHECK(rc_desk_handle(desk, &request, &answer) == RC_OVERLAP);
        answer = answer_here();
    }
    rc_text *const texts[] = {&request.method, &request.target, &request.content_type, &request.body};
    for (size_t place = 0; place < 4; place++) {
        request = pause;
        *texts[place] = NO_BYTES;
        CHECK(rc_desk_handle(desk, &request, &answer) == RC_NULL);
        *texts[place] = ENDLESS;
        CHECK(rc_desk_handle(desk, &request, &answer) == RC_TOO_LONG);
    }
    CHECK(rc_desk_handle(desk, (const rc_request *)(const void *)((const char *)&pause + 1), &answer) == RC_MISALIGNED);
    rc_state state;
    CHECK(rc_desk_state(desk, text("ucc-demo-name"), text(ID), &state) == RC_OK && state == RC_RECORDING_STARTED);
    CHECK(answer.status == 0xeeee && answer.reply.len == (size_t)0xeeeeeeeeeeeeeeee);
}

static void wants_body(void)
{
    uint8_t wants = 9;
    rc_request request = set(NULL);
    CHECK(rc_wants_body(&request, &wants) == RC_OK && wants == 1);
    request.content_type = text("text/plain");
    CHECK(rc_wants_body(&request, &wants) == RC_OK && wants == 0);
    const char *const targets[] = {READ, "/attendantservice/api/recording/a%2Fb/x", "/attendantservice/api/recording/capabilities/u", "/", ""};
    for (size_t place = 0; place < 5; place++) {
        wants = 9;
        request = get(targets[place]);
        CHECK(rc_wants_body(&request, &wants) == RC_OK && wants == 0);
    }
    CHECK(rc_wants_body(NULL, &wants) == RC_NULL && rc_wants_body(&request, NULL) == RC_NULL);
    request.target = ENDLESS;
    CHECK(rc_wants_body(&request, &wants) == RC_TOO_LONG && wants == 0);
}

int main(void)
{
    sizes();
    desk_errors();
    desk_works();
    buffers();
    wants_body();
    printf("desk: %lu checks\n", checks);
    return 0;
}
