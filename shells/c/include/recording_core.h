/*
 * recording_core: the heart of a call-recording control API, for C and whatever else speaks to C.
 *
 * Two levels. The small one is values alone: states, actions, the transition, names and codes. The whole one goes from
 * the bytes of a request to those of its reply and its event, in one of three ways: rc_desk_handle (sessions and settings
 * live in memory that you give), rc_handle (you keep them, and are asked by callbacks), rc_exchange_begin and its sisters
 * (you keep them, and go step by step).
 *
 * What holds for every function:
 *
 * - Nothing allocates, starts a thread, keeps a global, or calls back but what you pass.
 * - All memory is yours. What a function takes it only reads, and keeps no pointer to it, but for the memory of a desk.
 *   What it gives out is static, or stands where its comment says.
 * - A null pointer, a pointer that is not aligned, a length over PTRDIFF_MAX, a buffer that is too short, a byte that is no
 *   state, a number that is no code, a call at the wrong time: each is an rc_status, with a text, and never undefined
 *   behaviour. What no library can tell is yours: that a pointer leads to as many bytes as you say.
 * - Memory that one function call writes overlaps with no other memory that it is given.
 * - What is written on failure is at each function: most often nothing.
 * - Threads: functions of values alone may be called from any; what works on memory of yours, by one thread at a time for
 *   each piece of memory.
 */
#ifndef RECORDING_CORE_H
#define RECORDING_CORE_H


/* Made by cbindgen from shells/c/src: change it there. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * How many bytes a desk of these capacities takes, as a constant: `static uint64_t memory[RC_DESK_SIZE(64, 4, 16, 1024) / 8];`
 * is aligned as it must be. The same as rc_desk_size, for capacities that are valid.
 */
#define RC_DESK_SIZE(sessions, uccs, agents, text)                                                                   \
    (((size_t)408 + (size_t)24 * (sessions) + (size_t)16 * (uccs) + (size_t)12 * (agents) + (size_t)(text) + 7) / 8 * 8)

/* What every reply must say of itself: the values of its Content-Type and Cache-Control headers. */
#define RC_CONTENT_TYPE "application/json; charset=utf-8"
#define RC_CACHE_CONTROL "no-store"

/* The name of the event. */
#define RC_EVENT_NAME "RecordingStateChangedEvent"


// The number of this ABI. It grows when programs that were compiled before would break.
#define RC_ABI_VERSION 0

// The longest reply: into a buffer of this size writing cannot fail.
#define RC_REPLY_MAX 1024

// The longest event: into a buffer of this size writing cannot fail.
#define RC_EVENT_MAX 256

// The new state is stored.
#define RC_STORE_DONE 0

// The stored state is another one by now: the facts are looked up and the change is decided again.
#define RC_STORE_MOVED 1

// The new state cannot be stored. Every number besides `RC_STORE_DONE` and `RC_STORE_MOVED` means this.
#define RC_STORE_FAILED 2

// How often a change is decided again before the store counts as broken.
#define RC_TRIES_MAX 100

// How a session begins: recorder Uninitialized, never marked, no decision.
#define RC_STATE_INITIAL 0

// No state.
#define RC_STATE_NONE 255

// No code: what a function answers that is asked for the code of what has none.
#define RC_CODE_NONE 255

// The recorder has not been started in this session.
#define RC_RECORDING_UNINITIALIZED 0

// Audio is being recorded.
#define RC_RECORDING_STARTED 1

// The recorder was stopped.
#define RC_RECORDING_STOPPED 2

// The recorder holds, as while card data is spoken.
#define RC_RECORDING_PAUSED 3

// Never marked nor unmarked.
#define RC_MARKING_NONE 0

// Marked.
#define RC_MARKING_MARK 1

// Unmarked.
#define RC_MARKING_UNMARK 2

// No decision.
#define RC_SAVING_NONE 0

// To be kept.
#define RC_SAVING_SAVE 1

// To be thrown away.
#define RC_SAVING_DELETE 2

// Start the recorder, or resume it.
#define RC_ACTION_START 1

// Stop the recorder.
#define RC_ACTION_STOP 2

// Hold the recorder.
#define RC_ACTION_PAUSE 3

// Decide that the recording is kept.
#define RC_ACTION_SAVE 4

// Decide that the recording is thrown away.
#define RC_ACTION_DELETE 5

// Mark the recording.
#define RC_ACTION_MARK 6

// Take the mark away.
#define RC_ACTION_UNMARK 7

// The recorder was never started: there is nothing to keep or to discard.
#define RC_DISPOSITION_NOTHING_RECORDED 0

// The recording is thrown away.
#define RC_DISPOSITION_DISCARD 1

// The recording is kept.
#define RC_DISPOSITION_KEEP 2

// How the memory of a desk must be aligned.
#define RC_DESK_ALIGN 8

// Nothing was begun here.
#define RC_STAGE_NONE 0

// The request is understood: look up what `rc_exchange_question` says, then `rc_exchange_decide`.
#define RC_STAGE_FACTS 1

// A change is decided: store what `rc_exchange_change` says, then `rc_exchange_stored`.
#define RC_STAGE_STORE 2

// There is an answer: `rc_exchange_answer`.
#define RC_STAGE_ANSWER 3

// How many bytes an exchange takes.
#define RC_EXCHANGE_SIZE 384

// An action that would change nothing is a success, without an event.
#define RC_REPEATS_ACCEPT 0

// An action that would change nothing is an error.
#define RC_REPEATS_REFUSE 1

// Read the state of a session.
#define RC_ASKS_STATE 1

// Change the state of a session.
#define RC_ASKS_SET 2

// Tell whether changing is allowed in a UCC.
#define RC_ASKS_CAPABILITIES 3

// How many bytes the text of a correlation id takes, with the zero byte after it.
#define RC_CORRELATION_ID_SIZE 37

// The longest body that is read, in bytes. Of a longer one no more than this and one bytes need be given.
#define RC_BODY_MAX 2048

// The state is already what the action asks for.
#define RC_OUTCOME_UNCHANGED 0

// The state changes.
#define RC_OUTCOME_CHANGED 1

// Refused: there is nothing to stop or to pause, the recorder is Uninitialized.
#define RC_OUTCOME_NOT_STARTED 2

// Refused: there is nothing to pause, the recorder is Stopped.
#define RC_OUTCOME_STOPPED 3

// The byte is no state.
#define RC_OUTCOME_NO_STATE 4

// The number is no action.
#define RC_OUTCOME_NO_ACTION 5

// What a function says of itself: `RC_OK`, or why it did nothing. `rc_status_text` has a text for each.
//
// Later versions may add to these.
typedef enum {
  // Done.
  RC_OK = 0,
  // A pointer is null that must not be, or a text has a length and no bytes.
  RC_NULL = 1,
  // A pointer is not aligned as its type must be.
  RC_MISALIGNED = 2,
  // A length is more than memory can hold (`PTRDIFF_MAX`).
  RC_TOO_LONG = 3,
  // A buffer that is written to overlaps one that is read.
  RC_OVERLAP = 4,
  // A buffer has too little room.
  RC_BUFFER_TOO_SMALL = 5,
  // A byte is none of the 36 states.
  RC_NO_STATE = 6,
  // A number is none of those that it may be: neither 0 nor 1 where it means no or yes, or no such code.
  RC_NO_CODE = 7,
  // A text is no name of a UCC: 1 to 64 bytes of UTF-8 without control characters and without `/`.
  RC_NO_UCC_NAME = 8,
  // A text is no SIP URI: ASCII, `sip:` or `sips:`, one `@` with something on both sides, at most 255 bytes.
  RC_NO_SIP_URI = 9,
  // A text is no correlation id: a GUID, hyphenated, as 32 digits, or hyphenated in braces.
  RC_NO_CORRELATION_ID = 10,
  // A document cannot be read.
  RC_NOT_UNDERSTOOD = 11,
  // An exchange is not at the stage that this belongs to.
  RC_WRONG_STAGE = 12,
  // The memory holds no exchange or no desk: it was not begun, or was scribbled over.
  RC_NOT_INITIALIZED = 13,
  // A capacity of a desk is 0, more than 65534 sessions, UCCs or agents, or more than the memory of the machine.
  RC_NO_CAPACITY = 14,
  // The memory of a desk is smaller than `rc_desk_size` says.
  RC_MEMORY_TOO_SMALL = 15,
  // There is no such UCC.
  RC_UNKNOWN_UCC = 16,
  // There is no such session.
  RC_UNKNOWN_SESSION = 17,
  // There is a UCC of this name already.
  RC_UCC_EXISTS = 18,
  // The session is open already and stays as it is.
  RC_ALREADY_OPEN = 19,
  // There are as many UCCs as the desk holds.
  RC_UCCS_FULL = 20,
  // There are as many agents as the desk holds.
  RC_AGENTS_FULL = 21,
  // Names and URIs together are longer than the desk holds.
  RC_TEXT_FULL = 22,
  // As many sessions are open as the desk holds.
  RC_SESSIONS_FULL = 23,
} rc_status;

// A desk: sessions and settings in memory that the caller gives, and the whole loop from request to reply and event.
//
// It is made by `rc_desk_init`, is gone when the caller takes the memory back, and may be moved as it is, for it holds no
// pointers. One thread at a time uses it, readers too; different desks have nothing in common. No pointer that is given
// to its functions may lead into its memory.
typedef struct rc_desk rc_desk;

// Bytes that the caller owns, with their number; no zero byte need follow them. `rc_text_of` makes one of a string.
//
// `data` may be null if `len` is 0. A function that takes a text only reads it, and keeps no pointer to it after it
// returns.
typedef struct {
  // The first byte.
  const char *data;
  // How many bytes.
  size_t len;
} rc_text;

// What is asked for: one of `RC_ACTION_*`.
typedef uint8_t rc_action;

// What a request asks for, and so which facts it is decided by.
typedef struct {
  // The UCC whose settings are wanted.
  rc_text ucc;
  // Of `RC_ASKS_SET`, who must be an agent of that UCC, compared without regard to ASCII case; else null and 0.
  rc_text requester;
  // One of `RC_ASKS_*`.
  uint8_t asks;
  // Of `RC_ASKS_SET`, the action; else 0.
  rc_action action;
  // The session whose state is wanted, 16 bytes in the order of its digits; zero of `RC_ASKS_CAPABILITIES`.
  uint8_t correlation_id[16];
  // The same as it is written: hyphenated, in lower case, with a zero byte after it. Empty of
  // `RC_ASKS_CAPABILITIES`.
  char correlation_id_text[RC_CORRELATION_ID_SIZE];
} rc_question;

// A state of a session, in one byte: bits 0 and 1 hold the recording code, 2 and 3 the marking code, 4 and 5 the saving
// code, the others are zero. 36 of the 256 bytes are states. This layout is stable: it may be stored and sent.
typedef uint8_t rc_state;

// The settings of one UCC. Each is 0 for no or 1 for yes, and nothing else.
typedef struct {
  // Whether the UCC's license includes the recording API.
  uint8_t recording_api_licensed;
  // `UseAudioRecording`: audio recording is on in this UCC.
  uint8_t use_audio_recording;
  // `AgentCanEditAudioRecording`: agents may change the recorder's state.
  uint8_t agent_can_edit_audio_recording;
  // `SaveRecordingByDefault`: what happens to a recording that no action decided on.
  uint8_t save_recording_by_default;
  // `RC_REPEATS_ACCEPT` or `RC_REPEATS_REFUSE`.
  uint8_t repeats;
} rc_settings;

// The facts. All zero they lead to a refusal, whatever is asked.
typedef struct {
  // 1 if there is such a UCC. If it is 0, nothing else is looked at.
  uint8_t ucc_known;
  // Of `RC_ASKS_SET`, 1 if the requester is an agent of the UCC; else not looked at.
  uint8_t requester_is_agent;
  // 1 if there is such a session in the UCC. Of `RC_ASKS_CAPABILITIES` not looked at.
  uint8_t session_known;
  // The state of the session, if there is one.
  rc_state session;
  // The settings of the UCC.
  rc_settings settings;
} rc_facts;

// A change that was decided and is not stored yet.
typedef struct {
  // The state that the decision was made from: what must still be stored when the new one is.
  rc_state from;
  // The state to store.
  rc_state to;
} rc_change;

// Where the caller keeps sessions and settings. The functions return: no exception of C++ and no `longjmp` goes through
// the library, whose frames know nothing of either. A callback in C++ is `noexcept`, or catches all.
typedef struct {
  // Handed to both functions as it is; may be null.
  void *context;
  // Looks up what the question asks for. `facts` is all zero when it is called. It answers 0, or any other number if
  // the facts are not known: the reply is then 503. What `question` points to goes when the function returns.
  int32_t (*look_up)(void *context, const rc_question *question, rc_facts *facts);
  // Stores `change->to` for the session of the question, provided that `change->from` still is stored. It answers one
  // of `RC_STORE_*`.
  int32_t (*store)(void *context, const rc_question *question, const rc_change *change);
} rc_callbacks;

// A request as it arrived. It is only read, and not kept: when the function returns, its bytes may go.
typedef struct {
  // `GET` and the like.
  rc_text method;
  // The request target as it came, percent codes, query and all.
  rc_text target;
  // The value of the `Content-Type` header; several are joined with `", "`. Null if there is none.
  rc_text content_type;
  // The body. It is looked at only if `rc_wants_body` says so.
  rc_text body;
} rc_request;

// A buffer of the caller's. What is written has no zero byte after it.
typedef struct {
  // Its first byte. Null if `capacity` is 0.
  char *data;
  // How many bytes there are.
  size_t capacity;
  // Set by the library: how many bytes were written; of `RC_BUFFER_TOO_SMALL`, how many are needed.
  size_t len;
} rc_buffer;

// An answer: in, two buffers; out, what to send and what to publish.
typedef struct {
  // For the body of the reply, to be sent with `status`, `RC_CONTENT_TYPE`, `RC_CACHE_CONTROL` and `allow`; to a
  // `HEAD` without it.
  rc_buffer reply;
  // For the event, to be published to every listener, those of one session in the order of its changes. Its `len` is 0
  // if there is none.
  rc_buffer event;
  // Set by the library: the value of an `Allow` header that must be sent, or null. Static, ends with a zero byte.
  const char *allow;
  // Set by the library: the name of the call-detail record to write, or null if there is no event. Static, ends with a
  // zero byte.
  const char *audit_name;
  // Set by the library: the HTTP status.
  uint16_t status;
  // Set by the library: what changed the session, one of `RC_ACTION_*`, or 0 if there is no event.
  //
  // Which session that was is what the request said: `rc_exchange_question` tells it. Its new state is `change->to` of
  // the store's callback and of `rc_exchange_change`; of a desk, what `rc_desk_state` says before the next request.
  uint8_t action;
} rc_answer;

// What becomes of a recording when its session ends: one of `RC_DISPOSITION_*`.
typedef uint8_t rc_disposition;

// What became of a session that ended.
typedef struct {
  // The state at the end.
  rc_state state;
  // What becomes of the recording: one of `RC_DISPOSITION_*`.
  rc_disposition disposition;
} rc_ended;

// An open session of a desk.
typedef struct {
  // The name of its UCC, in the memory of the desk.
  rc_text ucc;
  // Its id, hyphenated, in lower case, with a zero byte after it.
  char correlation_id[RC_CORRELATION_ID_SIZE];
  // Its state.
  rc_state state;
} rc_session;

// How much a desk holds.
typedef struct {
  // Sessions that may be open at once: 1 to 65534.
  uint32_t sessions;
  // UCCs: 1 to 65534.
  uint32_t uccs;
  // Agents of all UCCs together: 1 to 65534.
  uint32_t agents;
  // Bytes of the names of all UCCs and the URIs of all agents together: at least 1.
  uint32_t text;
} rc_capacities;

// A request on its way to its answer, step by step:
//
// | stage | what the caller does |
// |---|---|
// | | `rc_exchange_begin` |
// | `RC_STAGE_FACTS` | looks up what `rc_exchange_question` says; `rc_exchange_decide` |
// | `RC_STAGE_STORE` | stores what `rc_exchange_change` says; `rc_exchange_stored`, `_moved` or `_not_stored` |
// | `RC_STAGE_ANSWER` | `rc_exchange_answer` |
//
// No answer says success before its state is stored: until `rc_exchange_stored` there is none to be had.
//
// The memory is the caller's, on the stack or anywhere; it needs no preparation and no cleaning, and nothing of the
// request is needed after `rc_exchange_begin`. It may be copied. One thread at a time uses it; different ones have
// nothing in common.
typedef struct {
  // Private.
  uint64_t opaque[48];
} rc_exchange;

// Where the recorder stands: one of `RC_RECORDING_*`.
typedef uint8_t rc_recording;

// Where the mark stands: one of `RC_MARKING_*`.
typedef uint8_t rc_marking;

// What was decided on keeping the recording: one of `RC_SAVING_*`.
typedef uint8_t rc_saving;

// What an action does to a state.
typedef struct {
  // The state after it: another one if `outcome` is `RC_OUTCOME_CHANGED`, else the one before. `RC_STATE_NONE` if the
  // one before is no state.
  rc_state state;
  // One of `RC_OUTCOME_*`.
  uint8_t outcome;
} rc_transition;

// A set of actions: the action with the code n is in it if bit n is set (`set >> action & 1`).
typedef uint8_t rc_action_set;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The `RC_ABI_VERSION` of the library that is linked, to be compared with that of the header.
//
// Threads: any.
uint32_t rc_abi_version(void);

// Answers a request, asking the caller's store by callbacks.
//
// Nothing may be null but `callbacks->context`. The buffers must have `RC_REPLY_MAX` and `RC_EVENT_MAX` bytes
// (`RC_BUFFER_TOO_SMALL`) and not overlap with the request (`RC_OVERLAP`). On failure nothing is stored and nothing
// written; so too if the facts hold what they must not (`RC_NO_CODE`, `RC_NO_STATE`). Threads: any, as far as the callbacks
// allow.
//
// # Safety
//
// What the pointers lead to is there and is what its type says, unless a pointer is null; no other code changes it during
// the call.
rc_status rc_handle(const rc_callbacks *callbacks,
                    const rc_request *request,
                    rc_answer *answer);

// Adds a UCC with its settings.
//
// Nothing may be null. On failure (`RC_NO_UCC_NAME`, `RC_NO_CODE`, `RC_UCC_EXISTS`, `RC_UCCS_FULL`, `RC_TEXT_FULL`) the
// desk stays as it was. Threads: see `rc_desk`.
//
// # Safety
//
// `desk` is one that `rc_desk_init` gave out, with its memory, or null; what the others lead to can be read.
rc_status rc_desk_add_ucc(rc_desk *desk, rc_text name, const rc_settings *settings);

// Changes the settings of a UCC, in force from the next request on.
//
// Nothing may be null. On failure (`RC_NO_UCC_NAME`, `RC_NO_CODE`, `RC_UNKNOWN_UCC`) the desk stays as it was. Threads:
// see `rc_desk`.
//
// # Safety
//
// As for `rc_desk_add_ucc`.
rc_status rc_desk_set_settings(rc_desk *desk, rc_text ucc, const rc_settings *settings);

// Adds an agent to a UCC. One that it has already is no error.
//
// Nothing may be null. On failure (`RC_NO_UCC_NAME`, `RC_NO_SIP_URI`, `RC_UNKNOWN_UCC`, `RC_AGENTS_FULL`, `RC_TEXT_FULL`)
// the desk stays as it was. Threads: see `rc_desk`.
//
// # Safety
//
// As for `rc_desk_add_ucc`.
rc_status rc_desk_add_agent(rc_desk *desk,
                            rc_text ucc,
                            rc_text uri);

// Begins a session in a state: `RC_STATE_INITIAL`, unless a recording already runs.
//
// Ids are for the caller's own call control to choose: sessions are found by a hash without a secret, so somebody who
// chooses the ids of many open sessions can make each look-up go through all of them.
//
// Nothing may be null. On failure (`RC_NO_UCC_NAME`, `RC_NO_CORRELATION_ID`, `RC_NO_STATE`, `RC_UNKNOWN_UCC`,
// `RC_ALREADY_OPEN`, `RC_SESSIONS_FULL`) the desk stays as it was. Threads: see `rc_desk`.
//
// # Safety
//
// As for `rc_desk_add_ucc`.
rc_status rc_desk_begin(rc_desk *desk, rc_text ucc, rc_text correlation_id, rc_state state);

// Ends a session, and says what becomes of its recording.
//
// Nothing may be null. On failure (`RC_NO_UCC_NAME`, `RC_NO_CORRELATION_ID`, `RC_UNKNOWN_UCC`, `RC_UNKNOWN_SESSION`) the
// desk and `ended` stay as they were. Threads: see `rc_desk`.
//
// # Safety
//
// As for `rc_desk_add_ucc`, and `ended` can be written, unless it is null.
rc_status rc_desk_end(rc_desk *desk,
                      rc_text ucc,
                      rc_text correlation_id,
                      rc_ended *ended);

// Tells the state of a session, whatever the settings of its UCC.
//
// Nothing may be null. On failure (as for `rc_desk_end`) `state` stays as it was. Threads: see `rc_desk`.
//
// # Safety
//
// As for `rc_desk_add_ucc`, and `state` can be written, unless it is null.
rc_status rc_desk_state(rc_desk *desk, rc_text ucc, rc_text correlation_id, rc_state *state);

// How many sessions are open; 0 too if `desk` is null or no desk. Threads: see `rc_desk`.
//
// # Safety
//
// As for `rc_desk_add_ucc`.
size_t rc_desk_sessions(rc_desk *desk);

// Tells one of the open sessions, by its place from 0 on, in no particular order: ending one changes the places of others.
//
// Nothing may be null. On failure (`RC_UNKNOWN_SESSION` after the last) `session` stays as it was. Threads: see
// `rc_desk`.
//
// # Safety
//
// As for `rc_desk_add_ucc`, and `session` can be written, unless it is null.
rc_status rc_desk_session(rc_desk *desk,
                          size_t place,
                          rc_session *session);

// Answers a request: looks up, decides, stores, and only then writes the reply and the event.
//
// Nothing may be null. The buffers must have `RC_REPLY_MAX` and `RC_EVENT_MAX` bytes (`RC_BUFFER_TOO_SMALL`) and not
// overlap with the request (`RC_OVERLAP`). On failure nothing is done and nothing written. There is an answer to every
// request, however wrong it is; a failure is one of the caller. Threads: see `rc_desk`.
//
// # Safety
//
// As for `rc_desk_add_ucc`; a request and its bytes can be read; the answer and the bytes of its buffers are the caller's
// alone.
rc_status rc_desk_handle(rc_desk *desk,
                         const rc_request *request,
                         rc_answer *answer);

// How many bytes a desk of these capacities takes; 0 if there is no such desk, or `capacities` is null. The same as the
// constant `RC_DESK_SIZE(sessions, uccs, agents, text)` of the header. Threads: any.
//
// # Safety
//
// Capacities can be read there, unless it is null.
size_t rc_desk_size(const rc_capacities *capacities);

// How the memory of a desk must be aligned: `RC_DESK_ALIGN`. Threads: any.
size_t rc_desk_align(void);

// Makes an empty desk in `size` bytes of `memory`, which is lent to it until the caller takes it back. What was there
// does not matter. `desk` is then the desk, at the beginning of the memory.
//
// Nothing may be null. On failure (`RC_MISALIGNED`, `RC_NO_CAPACITY`, `RC_MEMORY_TOO_SMALL`) nothing is written. Threads:
// see `rc_desk`.
//
// # Safety
//
// Unless a pointer is null: `size` bytes of `memory` are the caller's alone, capacities can be read, a pointer can be
// written at `desk`.
rc_status rc_desk_init(void *memory,
                       size_t size,
                       const rc_capacities *capacities,
                       rc_desk **desk);

// How many bytes an exchange takes in the library that is linked; `RC_EXCHANGE_SIZE` of its header. Threads: any.
size_t rc_exchange_size(void);

// Begins an exchange with a request. A request that cannot be understood leads to `RC_STAGE_ANSWER` at once.
//
// Nothing may be null. What the exchange was before does not matter; on failure nothing is begun in it. The request's
// bytes are not needed any more afterwards; they must not overlap with the exchange. Threads: see `rc_exchange`.
//
// # Safety
//
// Unless a pointer is null: a request and its bytes can be read, an exchange can be written.
rc_status rc_exchange_begin(rc_exchange *exchange, const rc_request *request);

// At which stage an exchange is: one of `RC_STAGE_*`; `RC_STAGE_NONE` too if it is null or was not begun.
//
// Threads: see `rc_exchange`.
//
// # Safety
//
// An exchange can be read there, unless it is null.
uint8_t rc_exchange_stage(const rc_exchange *exchange);

// Gives what is asked, at `RC_STAGE_FACTS` and `RC_STAGE_STORE`. Its texts are in the exchange and go with it.
//
// Nothing may be null. On failure `question` stays as it was. Threads: see `rc_exchange`.
//
// # Safety
//
// Unless a pointer is null: an exchange can be read, a question can be written.
rc_status rc_exchange_question(const rc_exchange *exchange, rc_question *question);

// Decides by the facts, at `RC_STAGE_FACTS`. The next stage is `RC_STAGE_STORE` or `RC_STAGE_ANSWER`.
//
// Nothing may be null. On failure (`RC_NO_CODE` and `RC_NO_STATE` among others) the exchange stays as it was. Threads:
// see `rc_exchange`.
//
// # Safety
//
// Unless a pointer is null: the facts can be read, the exchange is the caller's alone.
rc_status rc_exchange_decide(rc_exchange *exchange, const rc_facts *facts);

// Tells the change to store, at `RC_STAGE_STORE`.
//
// Nothing may be null. On failure `change` stays as it was. Threads: see `rc_exchange`.
//
// # Safety
//
// Unless a pointer is null: an exchange can be read, a change can be written.
rc_status rc_exchange_change(const rc_exchange *exchange, rc_change *change);

// Says that the change is stored, at `RC_STAGE_STORE`. The next stage is `RC_STAGE_ANSWER`, a success.
//
// The exchange must not be null. On failure it stays as it was. Threads: see `rc_exchange`.
//
// # Safety
//
// The exchange is the caller's alone, unless it is null.
rc_status rc_exchange_stored(rc_exchange *exchange);

// Says that the stored state is another one by now, at `RC_STAGE_STORE`. The next stage is `RC_STAGE_FACTS`: look them up
// again.
//
// The exchange must not be null. On failure it stays as it was. Threads: see `rc_exchange`.
//
// # Safety
//
// The exchange is the caller's alone, unless it is null.
rc_status rc_exchange_moved(rc_exchange *exchange);

// Says that the facts are not known, at `RC_STAGE_FACTS`, or that the change cannot be stored, at `RC_STAGE_STORE`. The
// answer is 503.
//
// The exchange must not be null. On failure it stays as it was. Threads: see `rc_exchange`.
//
// # Safety
//
// The exchange is the caller's alone, unless it is null.
rc_status rc_exchange_not_stored(rc_exchange *exchange);

// Turns a request away that the caller does not let pass, at `RC_STAGE_FACTS`: `http_status` is 401 for one who is not
// known, 403 for one who may not, 429 for one who asks too often.
//
// The exchange must not be null. On failure (`RC_NO_CODE` for another number) it stays as it was. Threads: see
// `rc_exchange`.
//
// # Safety
//
// The exchange is the caller's alone, unless it is null.
rc_status rc_exchange_turn_away(rc_exchange *exchange, uint16_t http_status);

// Writes the answer, at `RC_STAGE_ANSWER`. It may be asked for again.
//
// Nothing may be null. Of `RC_BUFFER_TOO_SMALL` the `len` of both buffers says what is needed, what they hold is of no
// use, and the rest of `answer` stays as it was; of every other failure all of it does. Buffers of `RC_REPLY_MAX` and
// `RC_EVENT_MAX` bytes are always large enough; they must not overlap with the exchange. Threads: see `rc_exchange`.
//
// # Safety
//
// Unless a pointer is null: an exchange can be read; the answer and the bytes of its buffers are the caller's alone.
rc_status rc_exchange_answer(const rc_exchange *exchange, rc_answer *answer);

// What becomes of a recording when its session ends in `state`: one of `RC_DISPOSITION_*`.
//
// `RC_CODE_NONE` if the byte is no state, or `save_recording_by_default` neither 0 nor 1. Threads: any.
rc_disposition rc_disposition_of(rc_state state, uint8_t save_recording_by_default);

// The name of a recording code, as `"Paused"`; null if there is none. Static. Threads: any.
const char *rc_recording_name(rc_recording code);

// The name of a marking code, as `"Unmark"`; null if there is none. Static. Threads: any.
const char *rc_marking_name(rc_marking code);

// The name of a saving code, as `"Delete"`; null if there is none. Static. Threads: any.
const char *rc_saving_name(rc_saving code);

// The name of an action, as `"UnMark"`; null if there is none. Static. Threads: any.
const char *rc_action_name(rc_action code);

// The name of the call-detail record that an action writes; null if there is no such action. Static. Threads: any.
const char *rc_action_audit_name(rc_action code);

// The name of a disposition, as `"Keep"`; null if there is none. Static. Threads: any.
const char *rc_disposition_name(rc_disposition code);

// The code of a recording state's name, without regard to ASCII case; `RC_CODE_NONE` if there is none.
//
// Threads: any.
//
// # Safety
//
// `name.len` bytes can be read at `name.data`, unless that is null.
rc_recording rc_recording_of_name(rc_text name);

// The code of a marking state's name, without regard to ASCII case; `RC_CODE_NONE` if there is none.
//
// Threads: any.
//
// # Safety
//
// `name.len` bytes can be read at `name.data`, unless that is null.
rc_marking rc_marking_of_name(rc_text name);

// The code of a saving state's name, without regard to ASCII case; `RC_CODE_NONE` if there is none.
//
// Threads: any.
//
// # Safety
//
// `name.len` bytes can be read at `name.data`, unless that is null.
rc_saving rc_saving_of_name(rc_text name);

// The code of an action's name, without regard to ASCII case; `RC_CODE_NONE` if there is none.
//
// Threads: any.
//
// # Safety
//
// `name.len` bytes can be read at `name.data`, unless that is null.
rc_action rc_action_of_name(rc_text name);

// Tells whether the body of a request means something, before it is read: `wants_body` is 1 then. Its own `body` is not
// looked at. If it is 0, the request is complete as it is, and may be one that is turned away.
//
// Nothing may be null. On failure `wants_body` stays as it was. Threads: any.
//
// # Safety
//
// A request can be read at `request`, and its bytes; a byte can be written at `wants_body`; unless one is null.
rc_status rc_wants_body(const rc_request *request, uint8_t *wants_body);

// The transition: what `action` does to `state`. Any bytes may be given.
//
// Threads: any.
rc_transition rc_apply(rc_state state, rc_action action);

// 1 if the byte is one of the 36 states, else 0. Threads: any.
uint8_t rc_state_is_valid(rc_state state);

// The state of three codes; `RC_STATE_NONE` if one of them is none. Threads: any.
rc_state rc_state_of(rc_recording recording, rc_marking marking, rc_saving saving);

// Where the recorder stands; `RC_CODE_NONE` if the byte is no state. Threads: any.
rc_recording rc_state_recording(rc_state state);

// Where the mark stands; `RC_CODE_NONE` if the byte is no state. Threads: any.
rc_marking rc_state_marking(rc_state state);

// What was decided on keeping the recording; `RC_CODE_NONE` if the byte is no state. Threads: any.
rc_saving rc_state_saving(rc_state state);

// The actions that are not refused in this state; none if the byte is no state. Threads: any.
rc_action_set rc_state_allowed(rc_state state);

// The actions that would change this state; none if the byte is no state. Threads: any.
rc_action_set rc_state_changing(rc_state state);

// Reads the document of a state, `{"RecordingState":1,"MarkingState":0,"SavingState":0}`.
//
// `state` must not be null. Of `RC_NOT_UNDERSTOOD` and every other failure it stays as it was. Threads: any.
//
// # Safety
//
// `document.len` bytes can be read at `document.data`, unless that is null; a byte can be written at `state`, unless
// that is null.
rc_status rc_state_read(rc_text document, rc_state *state);

// Writes the document that `rc_state_read` reads.
//
// `document` must not be null. `document->len` is how many bytes were written, or, of `RC_BUFFER_TOO_SMALL`, how many it
// takes; of every other failure nothing is written. Threads: any.
//
// # Safety
//
// `document` is null or a buffer of the caller's own, as [`rc_buffer`] says.
rc_status rc_state_write(rc_state state,
                         rc_buffer *document);

// The text of a status, in English, without a full stop. Never null, static, ends with a zero byte.
//
// Threads: any.
const char *rc_status_text(int status);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/* The text of a string that ends with a zero byte. A null pointer is a text that is not there. */
static inline rc_text rc_text_of(const char *string)
{
    rc_text text;
    text.data = string;
    text.len = string ? strlen(string) : 0;
    return text;
}

#endif /* RECORDING_CORE_H */
