/* The whole level: what each function does, and what it says to a caller that is wrong. */
#include <string.h>

#include "check.h"
#include "recording_core.h"

#define ID "1d6c6a58-6739-4f0c-98ff-0968292c8c30"
#define OTHER_ID "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
#define BODY(action)                                                                                                   \
    "{\"Action\":" action ",\"RequesterSipUri\":\"sip:agent@domain.com\",\"CorrelationId\":\"" ID                     \
    "\",\"UCCName\":\"ucc-demo-name\"}"
#define REPLY(recording)                                                                                               \
    "{\"CorrelationId\":\"" ID "\",\"RecordingState\":" recording                                                     \
    ",\"MarkingState\":0,\"SavingState\":0,\"ErrorMessage\":null,\"UCCName\":\"ucc-demo-name\"}"
#define EVENT(action) "{\"UccName\":\"ucc-demo-name\",\"CorrelationId\":\"" ID "\",\"StateAction\":" action "}"
#define READ "/attendantservice/api/recording/ucc-demo-name/" ID

enum { SESSIONS = 4, UCCS = 2, AGENTS = 2, TEXT = 64 };

static const rc_settings ON = {1, 1, 1, 1, RC_REPEATS_ACCEPT};
static const rc_settings NONSENSE[] = {{2, 1, 1, 1, 0}, {1, 2, 1, 1, 0}, {1, 1, 255, 1, 0}, {1, 1, 1, 7, 0}, {1, 1, 1, 1, 2}};
static const rc_text NO_BYTES = {NULL, 3};
static const rc_text ENDLESS = {"x", SIZE_MAX};

static uint64_t memory[RC_DESK_SIZE(SESSIONS, UCCS, AGENTS, TEXT) / 8];
static char reply_room[RC_REPLY_MAX], event_room[RC_EVENT_MAX];

static rc_text text(const char *string)
{
    return rc_text_of(string);
}

static rc_request set(const char *body)
{
    rc_request request = {text("POST"), text("/attendantservice/api/recording/set"), text("application/json"), text(body)};
    return request;
}

static rc_request get(const char *target)
{
    rc_request request = {text("GET"), text(target), text(NULL), text(NULL)};
    return request;
}

static rc_answer answer_here(void)
{
    rc_answer answer;
    memset(&answer, 0xee, sizeof answer);
    answer.reply.data = reply_room;
    answer.reply.capacity = sizeof reply_room;
    answer.event.data = event_room;
    answer.event.capacity = sizeof event_room;
    return answer;
}

static int is(const rc_buffer *buffer, const char *expected)
{
    return buffer->len == strlen(expected) && memcmp(buffer->data, expected, buffer->len) == 0;
}

static rc_desk *fresh_desk(void)
{
    const rc_capacities capacities = {SESSIONS, UCCS, AGENTS, TEXT};
    rc_desk *desk = NULL;
    CHECK(rc_desk_init(memory, sizeof memory, &capacities, &desk) == RC_OK && (void *)desk == (void *)memory);
    CHECK(rc_desk_add_ucc(desk, text("ucc-demo-name"), &ON) == RC_OK);
    CHECK(rc_desk_add_agent(desk, text("ucc-demo-name"), text("sip:agent@domain.com")) == RC_OK);
    CHECK(rc_desk_begin(desk, text("ucc-demo-name"), text(ID), RC_RECORDING_STARTED) == RC_OK);
    return desk;
}

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

static const rc_facts FACTS = {1, 1, 1, RC_RECORDING_STARTED, {1, 1, 1, 1, RC_REPEATS_ACCEPT}};

/* Every call at every stage: only what belongs there is done, and there is no answer before the change is stored. */
static void stages(void)
{
    for (int stage = RC_STAGE_NONE; stage <= RC_STAGE_ANSWER; stage++)
        for (int call = 0; call < 8; call++) {
            rc_exchange exchange;
            rc_request request = set(BODY("3"));
            rc_question question;
            rc_change change = {99, 99};
            rc_answer answer = answer_here();
            memset(&exchange, 0, sizeof exchange);
            if (stage >= RC_STAGE_FACTS)
                CHECK(rc_exchange_begin(&exchange, &request) == RC_OK);
            if (stage >= RC_STAGE_STORE)
                CHECK(rc_exchange_decide(&exchange, &FACTS) == RC_OK);
            if (stage >= RC_STAGE_ANSWER)
                CHECK(rc_exchange_stored(&exchange) == RC_OK);
            CHECK(rc_exchange_stage(&exchange) == stage);
            rc_status got = RC_OK;
            int allowed = 0, next = stage;
            switch (call) {
            case 0: got = rc_exchange_question(&exchange, &question); allowed = stage == RC_STAGE_FACTS || stage == RC_STAGE_STORE; break;
            case 1: got = rc_exchange_decide(&exchange, &FACTS); allowed = stage == RC_STAGE_FACTS; next = RC_STAGE_STORE; break;
            case 2: got = rc_exchange_change(&exchange, &change); allowed = stage == RC_STAGE_STORE; break;
            case 3: got = rc_exchange_stored(&exchange); allowed = stage == RC_STAGE_STORE; next = RC_STAGE_ANSWER; break;
            case 4: got = rc_exchange_moved(&exchange); allowed = stage == RC_STAGE_STORE; next = RC_STAGE_FACTS; break;
            case 5: got = rc_exchange_not_stored(&exchange); allowed = stage == RC_STAGE_FACTS || stage == RC_STAGE_STORE; next = RC_STAGE_ANSWER; break;
            case 6: got = rc_exchange_turn_away(&exchange, 403); allowed = stage == RC_STAGE_FACTS; next = RC_STAGE_ANSWER; break;
            case 7: got = rc_exchange_answer(&exchange, &answer); allowed = stage == RC_STAGE_ANSWER; break;
            }
            rc_status refused = stage == RC_STAGE_NONE ? RC_NOT_INITIALIZED : RC_WRONG_STAGE;
            CHECK(got == (allowed ? RC_OK : refused));
            CHECK(rc_exchange_stage(&exchange) == (allowed ? next : stage));
            CHECK((answer.status == 200) == (call == 7 && allowed) && (change.to == RC_RECORDING_PAUSED) == (call == 2 && allowed));
        }
}

static void exchange_answers(void)
{
    rc_exchange exchange;
    rc_request request = set(BODY("3"));
    rc_answer answer = answer_here();
    rc_question question;
    rc_change change;
    CHECK(rc_exchange_begin(&exchange, &request) == RC_OK && rc_exchange_question(&exchange, &question) == RC_OK);
    CHECK(question.asks == RC_ASKS_SET && question.action == RC_ACTION_PAUSE && strcmp(question.correlation_id_text, ID) == 0);
    CHECK(question.ucc.len == 13 && memcmp(question.ucc.data, "ucc-demo-name", 13) == 0);
    CHECK(question.requester.len == 20 && memcmp(question.requester.data, "sip:agent@domain.com", 20) == 0);
    CHECK(question.correlation_id[0] == 0x1d && question.correlation_id[15] == 0x30);
    CHECK(rc_exchange_decide(&exchange, &FACTS) == RC_OK && rc_exchange_change(&exchange, &change) == RC_OK);
    CHECK(change.from == RC_RECORDING_STARTED && change.to == RC_RECORDING_PAUSED);
    CHECK(rc_exchange_stored(&exchange) == RC_OK && rc_exchange_answer(&exchange, &answer) == RC_OK);
    CHECK(answer.status == 200 && is(&answer.reply, REPLY("3")) && is(&answer.event, EVENT("3")));
    /* Of any smaller buffer it says what it needs, and the answer is there still. */
    size_t reply_len = answer.reply.len, event_len = answer.event.len;
    for (size_t reply = 0; reply <= reply_len; reply++)
        for (size_t event = event_len - (reply % 2); event <= event_len; event++) {
            rc_answer small = {{malloc(reply + 1), reply, 0}, {malloc(event), event, 0}, NULL, NULL, 0, 0};
            rc_status expected = reply == reply_len && event == event_len ? RC_OK : RC_BUFFER_TOO_SMALL;
            CHECK(rc_exchange_answer(&exchange, &small) == expected && small.reply.len == reply_len && small.event.len == event_len);
            CHECK((small.status == 200) == (expected == RC_OK));
            free(small.reply.data);
            free(small.event.data);
        }
    /* What is turned away, and what cannot be stored. */
    const struct { uint16_t status; int type; } away[] = {{401, 2}, {403, 2}, {429, 2}, {503, 1}};
    for (size_t place = 0; place < 4; place++) {
        char expected[64];
        CHECK(rc_exchange_begin(&exchange, &request) == RC_OK);
        CHECK((away[place].status == 503 ? rc_exchange_not_stored(&exchange) : rc_exchange_turn_away(&exchange, away[place].status)) == RC_OK);
        CHECK(rc_exchange_answer(&exchange, &answer) == RC_OK && answer.status == away[place].status && answer.event.len == 0);
        snprintf(expected, sizeof expected, "{\"ErrorMessage\":{\"ErrorType\":%d,\"Message\":\"", away[place].type);
        CHECK(memcmp(answer.reply.data, expected, strlen(expected)) == 0);
    }
    for (unsigned status = 0; status < 65536; status++)
        if (status != 401 && status != 403 && status != 429) {
            CHECK(rc_exchange_begin(&exchange, &request) == RC_OK && rc_exchange_turn_away(&exchange, (uint16_t)status) == RC_NO_CODE);
            status += 6; /* a seventh of them will do: a number is looked at as a whole */
        }
    /* A request that is turned away by the core itself needs no facts. */
    request = get("/nothing");
    CHECK(rc_exchange_begin(&exchange, &request) == RC_OK && rc_exchange_stage(&exchange) == RC_STAGE_ANSWER);
    CHECK(rc_exchange_answer(&exchange, &answer) == RC_OK && answer.status == 404 && answer.allow == NULL);
    request = set(BODY("3"));
    request.method = text("GET");
    CHECK(rc_exchange_begin(&exchange, &request) == RC_OK && rc_exchange_answer(&exchange, &answer) == RC_OK);
    CHECK(answer.status == 405 && strcmp(answer.allow, "POST") == 0);
}

static void facts(void)
{
    const rc_facts zero = {0, 0, 0, 0, {0, 0, 0, 0, 0}};
    const char *const bodies[] = {BODY("1"), BODY("2"), BODY("3"), BODY("4"), BODY("5"), BODY("6"), BODY("7")};
    rc_exchange exchange;
    rc_answer answer = answer_here();
    for (size_t place = 0; place < 7; place++) {
        rc_request request = set(bodies[place]);
        CHECK(rc_exchange_begin(&exchange, &request) == RC_OK && rc_exchange_decide(&exchange, &zero) == RC_OK);
        CHECK(rc_exchange_stage(&exchange) == RC_STAGE_ANSWER && rc_exchange_answer(&exchange, &answer) == RC_OK);
        CHECK(answer.event.len == 0);
    }
    /* Each byte of the facts as each byte: the numbers that mean something, and all others. */
    for (size_t place = 0; place < sizeof(rc_facts); place++)
        for (unsigned byte = 0; byte < 256; byte++) {
            rc_facts given = FACTS;
            rc_request request = set(BODY("3"));
            ((unsigned char *)&given)[place] = (unsigned char)byte;
            CHECK(rc_exchange_begin(&exchange, &request) == RC_OK);
            rc_status expected = place == 3 ? (rc_state_is_valid((rc_state)byte) ? RC_OK : RC_NO_STATE) : byte < 2 ? RC_OK : RC_NO_CODE;
            CHECK(rc_exchange_decide(&exchange, &given) == expected);
            CHECK((rc_exchange_stage(&exchange) == RC_STAGE_FACTS) == (expected != RC_OK));
        }
    CHECK(rc_exchange_decide(&exchange, NULL) == RC_NULL && rc_exchange_decide(NULL, &FACTS) == RC_NULL);
}

static void exchange_errors(void)
{
    rc_exchange exchange;
    rc_request request = set(BODY("3"));
    rc_answer answer = answer_here();
    rc_question question;
    rc_change change;
    CHECK(rc_exchange_begin(NULL, &request) == RC_NULL && rc_exchange_begin(&exchange, NULL) == RC_NULL);
    CHECK(rc_exchange_stage(NULL) == RC_STAGE_NONE && rc_exchange_question(NULL, &question) == RC_NULL);
    CHECK(rc_exchange_change(NULL, &change) == RC_NULL && rc_exchange_stored(NULL) == RC_NULL && rc_exchange_moved(NULL) == RC_NULL);
    CHECK(rc_exchange_not_stored(NULL) == RC_NULL && rc_exchange_turn_away(NULL, 401) == RC_NULL && rc_exchange_answer(NULL, &answer) == RC_NULL);
    CHECK(rc_exchange_begin(&exchange, &request) == RC_OK && rc_exchange_question(&exchange, NULL) == RC_NULL);
    CHECK(rc_exchange_decide(&exchange, &FACTS) == RC_OK && rc_exchange_change(&exchange, NULL) == RC_NULL);
    CHECK(rc_exchange_stored(&exchange) == RC_OK && rc_exchange_answer(&exchange, NULL) == RC_NULL);
    union { rc_exchange aligned[2]; char bytes[2 * sizeof(rc_exchange)]; } room;
    memset(&room, 0, sizeof room);
    rc_exchange *misaligned = (rc_exchange *)(void *)(room.bytes + 4);
    CHECK(rc_exchange_begin(misaligned, &request) == RC_MISALIGNED && rc_exchange_stage(misaligned) == RC_STAGE_NONE);
    CHECK(rc_exchange_stored(misaligned) == RC_MISALIGNED);
    /* Every bit of it turned over, at every stage: an error or an answer, and never more than that. */
    for (int stage = RC_STAGE_FACTS; stage <= RC_STAGE_ANSWER; stage++)
        for (size_t bit = 0; bit < sizeof exchange * 8; bit++) {
            CHECK(rc_exchange_begin(&exchange, &request) == RC_OK);
            if (stage >= RC_STAGE_STORE)
                CHECK(rc_exchange_decide(&exchange, &FACTS) == RC_OK);
            if (stage >= RC_STAGE_ANSWER)
                CHECK(rc_exchange_stored(&exchange) == RC_OK);
            unsigned char *byte = (unsigned char *)&exchange + bit / 8;
            *byte = (unsigned char)(*byte ^ 1U << bit % 8);
            (void)rc_exchange_question(&exchange, &question);
            (void)rc_exchange_change(&exchange, &change);
            (void)rc_exchange_answer(&exchange, &answer);
            (void)rc_exchange_decide(&exchange, &FACTS);
            (void)rc_exchange_stored(&exchange);
            (void)rc_exchange_answer(&exchange, &answer);
            checks++;
        }
}

/* A store behind callbacks. */
struct store {
    rc_facts facts;
    int32_t look_up_says, store_says;
    int looked_up, stored;
};

static int32_t look_up(void *context, const rc_question *question, rc_facts *facts)
{
    struct store *store = context;
    const rc_facts zero = {0, 0, 0, 0, {0, 0, 0, 0, 0}};
    CHECK(memcmp(facts, &zero, sizeof zero) == 0 && question->ucc.len == 13);
    *facts = store->facts;
    store->looked_up++;
    return store->look_up_says;
}

static int32_t store_it(void *context, const rc_question *question, const rc_change *change)
{
    struct store *store = context;
    CHECK(change->from == store->facts.session && change->from != change->to && question->asks == RC_ASKS_SET);
    store->stored++;
    if (store->store_says == RC_STORE_MOVED && store->stored == 3)
        store->store_says = RC_STORE_DONE;
    if (store->store_says == RC_STORE_DONE)
        store->facts.session = change->to;
    return store->store_says;
}

static void callbacks(void)
{
    struct store store = {FACTS, 0, RC_STORE_DONE, 0, 0};
    rc_callbacks calls = {&store, look_up, store_it};
    rc_request request = set(BODY("3"));
    rc_answer answer = answer_here();
    CHECK(rc_handle(&calls, &request, &answer) == RC_OK && is(&answer.reply, REPLY("3")) && is(&answer.event, EVENT("3")));
    CHECK(store.facts.session == RC_RECORDING_PAUSED && store.looked_up == 1 && store.stored == 1);
    CHECK(rc_handle(&calls, &request, &answer) == RC_OK && is(&answer.reply, REPLY("3")) && answer.event.len == 0 && store.stored == 1);
    request = get(READ);
    CHECK(rc_handle(&calls, &request, &answer) == RC_OK && is(&answer.reply, REPLY("3")) && store.looked_up == 3);

    request = set(BODY("1"));
    store.store_says = RC_STORE_MOVED;
    store.stored = 0;
    CHECK(rc_handle(&calls, &request, &answer) == RC_OK && is(&answer.reply, REPLY("1")) && store.stored == 3);
    store.store_says = RC_STORE_MOVED;
    store.stored = 3;
    store.looked_up = 0;
    request = set(BODY("3"));
    CHECK(rc_handle(&calls, &request, &answer) == RC_OK && answer.status == 503 && answer.event.len == 0);
    CHECK(store.looked_up == RC_TRIES_MAX && store.facts.session == RC_RECORDING_STARTED);
    store.store_says = RC_STORE_FAILED;
    CHECK(rc_handle(&calls, &request, &answer) == RC_OK && answer.status == 503 && answer.event.len == 0);
    store.look_up_says = -5;
    CHECK(rc_handle(&calls, &request, &answer) == RC_OK && answer.status == 503);
    store.look_up_says = 0;
    store.stored = 0;
    answer = answer_here();
    store.facts.session = 0xff;
    CHECK(rc_handle(&calls, &request, &answer) == RC_NO_STATE && store.stored == 0 && answer.status == 0xeeee);
    store.facts = FACTS;
    store.facts.settings.repeats = 2;
    CHECK(rc_handle(&calls, &request, &answer) == RC_NO_CODE && store.stored == 0 && answer.status == 0xeeee);

    store.looked_up = 0;
    request = get("/nothing");
    CHECK(rc_handle(&calls, &request, &answer) == RC_OK && answer.status == 404 && store.looked_up == 0);
    CHECK(rc_handle(NULL, &request, &answer) == RC_NULL && rc_handle(&calls, NULL, &answer) == RC_NULL && rc_handle(&calls, &request, NULL) == RC_NULL);
    const rc_callbacks no_look_up = {&store, NULL, store_it}, no_store = {&store, look_up, NULL};
    CHECK(rc_handle(&no_look_up, &request, &answer) == RC_NULL && rc_handle(&no_store, &request, &answer) == RC_NULL);
    answer.reply.capacity = RC_REPLY_MAX - 1;
    CHECK(rc_handle(&calls, &request, &answer) == RC_BUFFER_TOO_SMALL && store.looked_up == 0);
    request = set(BODY("3"));
    answer = answer_here();
    answer.reply.data = (char *)(uintptr_t)request.body.data; /* overlaps: it is not written to */
    CHECK(rc_handle(&calls, &request, &answer) == RC_OVERLAP && store.looked_up == 0);
}

int main(void)
{
    sizes();
    desk_errors();
    desk_works();
    buffers();
    wants_body();
    stages();
    exchange_answers();
    facts();
    exchange_errors();
    callbacks();
    printf("whole: %lu checks\n", checks);
    return 0;
}
