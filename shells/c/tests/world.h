/* The world of the tests of the whole level: requests, answers, and a desk of one UCC with an agent and a session. */
#ifndef WORLD_H
#define WORLD_H

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

static inline rc_text text(const char *string)
{
    return rc_text_of(string);
}

static inline rc_request set(const char *body)
{
    rc_request request = {text("POST"), text("/attendantservice/api/recording/set"), text("application/json"), text(body)};
    return request;
}

static inline rc_request get(const char *target)
{
    rc_request request = {text("GET"), text(target), text(NULL), text(NULL)};
    return request;
}

static inline rc_answer answer_here(void)
{
    rc_answer answer;
    memset(&answer, 0xee, sizeof answer);
    answer.reply.data = reply_room;
    answer.reply.capacity = sizeof reply_room;
    answer.event.data = event_room;
    answer.event.capacity = sizeof event_room;
    return answer;
}

static inline int is(const rc_buffer *buffer, const char *expected)
{
    return buffer->len == strlen(expected) && memcmp(buffer->data, expected, buffer->len) == 0;
}

static inline rc_desk *fresh_desk(void)
{
    const rc_capacities capacities = {SESSIONS, UCCS, AGENTS, TEXT};
    rc_desk *desk = NULL;
    CHECK(rc_desk_init(memory, sizeof memory, &capacities, &desk) == RC_OK && (void *)desk == (void *)memory);
    CHECK(rc_desk_add_ucc(desk, text("ucc-demo-name"), &ON) == RC_OK);
    CHECK(rc_desk_add_agent(desk, text("ucc-demo-name"), text("sip:agent@domain.com")) == RC_OK);
    CHECK(rc_desk_begin(desk, text("ucc-demo-name"), text(ID), RC_RECORDING_STARTED) == RC_OK);
    return desk;
}

#endif
