/* An exchange, step by step or with callbacks: what each function does, and what it says to a caller that is wrong. */
#include "world.h"

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

/* A store with callbacks. */
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
    stages();
    exchange_answers();
    facts();
    exchange_errors();
    callbacks();
    printf("exchange: %lu checks\n", checks);
    return 0;
}
