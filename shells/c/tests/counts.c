/*
 * The work of ../counts through the library: `counts WHAT ROUNDS`, for callgrind to count. The same actions, the same
 * desk of 1000 sessions, 16 UCCs and 256 agents, the same requests.
 */
#include <stdio.h>
#include <stdlib.h>

#include "recording_core.h"

enum { STEPS = 4096, UCCS = 16, AGENTS_EACH = 16, SESSIONS = 1024, OPEN = 1000 };

static const rc_settings ON = {1, 1, 1, 1, RC_REPEATS_ACCEPT};

static _Alignas(64) uint64_t memory[RC_DESK_SIZE(SESSIONS, UCCS, UCCS * AGENTS_EACH, 16384) / 8];
static _Alignas(64) char start[] =
    "{\"Action\":1,\"RequesterSipUri\":\"sip:agent@domain.com\",\"CorrelationId\":"
    "\"1d6c6a58-6739-4f0c-98ff-0968292c8c30\",\"UCCName\":\"ucc-demo-name\"}";
static _Alignas(64) char pause[] =
    "{\"Action\":3,\"RequesterSipUri\":\"sip:agent@domain.com\",\"CorrelationId\":"
    "\"1d6c6a58-6739-4f0c-98ff-0968292c8c30\",\"UCCName\":\"ucc-demo-name\"}";
static char reply[RC_REPLY_MAX], event[RC_EVENT_MAX];

static void need(rc_status status)
{
    if (status != RC_OK) {
        fprintf(stderr, "counts: %s\n", rc_status_text(status));
        exit(1);
    }
}

static uint64_t next_number(void)
{
    static uint64_t number = 0x9e3779b97f4a7c15;
    number ^= number >> 12;
    number ^= number << 25;
    number ^= number >> 27;
    return number * 0x2545f4914f6cdd1d;
}

static void transitions(long rounds)
{
    static rc_action actions[STEPS];
    volatile rc_state end;
    for (size_t step = 0; step < STEPS; step++)
        actions[step] = (rc_action)(((unsigned __int128)next_number() * 7 >> 64) + 1);
    while (rounds-- > 0) {
        rc_state state = RC_STATE_INITIAL;
        for (size_t step = 0; step < STEPS; step++)
            state = rc_apply(state, actions[step]).state;
        end = state;
    }
    (void)end;
}

static rc_desk *office(void)
{
    const rc_capacities capacities = {SESSIONS, UCCS, UCCS * AGENTS_EACH, 16384};
    char names[UCCS][32], text[64];
    rc_desk *desk;
    need(rc_desk_init(memory, sizeof memory, &capacities, &desk));
    for (int place = 0; place < UCCS; place++) {
        snprintf(names[place], sizeof names[place], place == UCCS / 2 ? "ucc-demo-name" : "ucc-number-%d", place);
        need(rc_desk_add_ucc(desk, rc_text_of(names[place]), &ON));
        for (int agent = 0; agent < AGENTS_EACH; agent++) {
            snprintf(text, sizeof text, agent == AGENTS_EACH / 2 ? "sip:agent@domain.com" : "sip:agent-%d@domain.com", agent);
            need(rc_desk_add_agent(desk, rc_text_of(names[place]), rc_text_of(text)));
        }
    }
    for (int open = 0; open < OPEN; open++) {
        if (open == OPEN / 2) {
            need(rc_desk_begin(desk, rc_text_of("ucc-demo-name"), rc_text_of("1d6c6a58-6739-4f0c-98ff-0968292c8c30"), 0));
            continue;
        }
        uint64_t upper = next_number();
        snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)upper, (unsigned long long)next_number());
        need(rc_desk_begin(desk, rc_text_of(names[open % UCCS]), rc_text_of(text), RC_STATE_INITIAL));
    }
    return desk;
}

/* A store of one session, which costs next to nothing: what is counted is the library. */
static int32_t look_up(void *state, const rc_question *question, rc_facts *facts)
{
    (void)question;
    *facts = (rc_facts){1, 1, 1, *(rc_state *)state, ON};
    return 0;
}

static int32_t store(void *state, const rc_question *question, const rc_change *change)
{
    (void)question;
    *(rc_state *)state = change->to;
    return RC_STORE_DONE;
}

static void by_steps(rc_state *state, const rc_request *request, rc_answer *answer)
{
    rc_exchange exchange;
    rc_question question;
    rc_change change;
    rc_facts facts;
    need(rc_exchange_begin(&exchange, request));
    need(rc_exchange_question(&exchange, &question));
    look_up(state, &question, &facts);
    need(rc_exchange_decide(&exchange, &facts));
    need(rc_exchange_change(&exchange, &change));
    store(state, &question, &change);
    need(rc_exchange_stored(&exchange));
    need(rc_exchange_answer(&exchange, answer));
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fputs("usage: counts transition|set|callbacks|steps ROUNDS\n", stderr);
        return 2;
    }
    long rounds = strtol(arguments[2], NULL, 10);
    char what = arguments[1][0] == 's' ? arguments[1][1] : arguments[1][0];
    if (what == 't' && arguments[1][0] == 't') {
        transitions(rounds);
        return 0;
    }
    rc_state state = RC_STATE_INITIAL;
    const rc_callbacks callbacks = {&state, look_up, store};
    rc_desk *desk = what == 'e' ? office() : NULL;
    rc_request request = {rc_text_of("POST"), rc_text_of("/attendantservice/api/recording/set"),
                          rc_text_of("application/json"), rc_text_of(NULL)};
    const rc_text bodies[] = {rc_text_of(start), rc_text_of(pause)};
    rc_answer answer = {.reply = {reply, sizeof reply, 0}, .event = {event, sizeof event, 0}};
    for (long round = 0; round < 2 * rounds; round++) {
        request.body = bodies[round % 2];
        if (what == 'e')
            need(rc_desk_handle(desk, &request, &answer));
        else if (what == 'c')
            need(rc_handle(&callbacks, &request, &answer));
        else
            by_steps(&state, &request, &answer);
        if (answer.status != 200 || answer.event.len == 0)
            return 1;
    }
    return 0;
}
