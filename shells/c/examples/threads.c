/*
 * Threads: how a module of a telephone system uses a desk. Requests come in several threads; a mutex of the module's own
 * makes that one at a time, and what it does to the recorder is under the same mutex, so that the recorder follows the
 * changes in their order.
 *
 *     cc threads.c $(pkg-config --cflags --libs recording_core) -pthread
 */
#include <pthread.h>
#include <stdio.h>

#include <recording_core.h>

enum { THREADS = 4, ROUNDS = 1000 };

static uint64_t memory[RC_DESK_SIZE(64, 4, 16, 1024) / 8];
static rc_desk *desk;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The recorder of the one session that there is here: its last command, and how many it got. */
static rc_recording recorder = RC_RECORDING_STARTED;
static unsigned changes, repeats;

/* Yours: mute or record. With the lock held, so not for long; what takes long goes into a queue of the session's. */
static void apply(const rc_question *question, rc_state state)
{
    (void)question; /* question->ucc and question->correlation_id_text name the session */
    recorder = rc_state_recording(state);
    changes++;
}

/* One request, from whatever thread. The reply is in `answer`, to be sent when the lock is given back. */
static rc_status serve(const rc_request *request, rc_answer *answer)
{
    rc_exchange exchange;
    rc_question question;
    rc_state state;
    /* Whose session it is: an answer does not say. A request that cannot be understood is not asked, and changes nothing. */
    rc_status status = rc_exchange_begin(&exchange, request);
    int asks = !status && rc_exchange_stage(&exchange) == RC_STAGE_FACTS && !rc_exchange_question(&exchange, &question);
    if (status) return status;
    pthread_mutex_lock(&lock);
    status = rc_desk_handle(desk, request, answer);
    if (!status && answer->action && asks) /* a change: the state is the new one until the lock is given back */
        status = rc_desk_state(desk, question.ucc, rc_text_of(question.correlation_id_text), &state);
    if (!status && answer->action && asks) apply(&question, state);
    if (!status && !answer->action) repeats++;
    pthread_mutex_unlock(&lock);
    return status;
}

static void *caller(void *start_with)
{
    static const char *const bodies[2] = {
        "{\"Action\":\"Start\",\"RequesterSipUri\":\"sip:agent@domain.com\",\"CorrelationId\":"
        "\"1d6c6a58-6739-4f0c-98ff-0968292c8c30\",\"UCCName\":\"ucc-demo-name\"}",
        "{\"Action\":\"Pause\",\"RequesterSipUri\":\"sip:agent@domain.com\",\"CorrelationId\":"
        "\"1d6c6a58-6739-4f0c-98ff-0968292c8c30\",\"UCCName\":\"ucc-demo-name\"}"};
    char reply[RC_REPLY_MAX], event[RC_EVENT_MAX]; /* each thread has its own */
    for (int round = 0; round < ROUNDS; round++) {
        const rc_request request = {
            rc_text_of("POST"), rc_text_of("/attendantservice/api/recording/set"), rc_text_of("application/json"),
            rc_text_of(bodies[(round + (start_with != NULL)) % 2])};
        rc_answer answer = {.reply = {reply, sizeof reply, 0}, .event = {event, sizeof event, 0}};
        rc_status status = serve(&request, &answer);
        if (status || answer.status != 200) return (void *)"a request failed";
    }
    return NULL;
}

int main(void)
{
    const rc_capacities capacities = {64, 4, 16, 1024};
    const rc_settings settings = {1, 1, 1, 1, RC_REPEATS_ACCEPT};
    const rc_text ucc = rc_text_of("ucc-demo-name"), id = rc_text_of("1d6c6a58-6739-4f0c-98ff-0968292c8c30");
    pthread_t threads[THREADS];
    rc_state state = RC_STATE_NONE;
    void *failure;
    rc_status status = rc_desk_init(memory, sizeof memory, &capacities, &desk);
    if (!status) status = rc_desk_add_ucc(desk, ucc, &settings);
    if (!status) status = rc_desk_add_agent(desk, ucc, rc_text_of("sip:agent@domain.com"));
    if (!status) status = rc_desk_begin(desk, ucc, id, RC_RECORDING_STARTED);
    if (status) return fprintf(stderr, "%s\n", rc_status_text(status)), 1;
    for (size_t thread = 0; thread < THREADS; thread++)
        if (pthread_create(&threads[thread], NULL, caller, thread % 2 ? &memory : NULL)) return fprintf(stderr, "no thread\n"), 1;
    for (size_t thread = 0; thread < THREADS; thread++) {
        pthread_join(threads[thread], &failure);
        if (failure) return fprintf(stderr, "%s\n", (const char *)failure), 1;
    }
    status = rc_desk_state(desk, ucc, id, &state);
    if (status || rc_state_recording(state) != recorder) return fprintf(stderr, "the recorder did not follow\n"), 1;
    printf("%d requests by %d threads: %u changes and repeats, the recorder is %s as the desk says\n", THREADS * ROUNDS, THREADS,
           changes + repeats, rc_recording_name(recorder));
    return 0;
}
