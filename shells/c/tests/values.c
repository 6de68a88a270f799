/* The small level: every byte as a state, every byte as an action, held against transitions.csv, the file named. */
#include <string.h>

#include "check.h"
#include "recording_core.h"

/* What the file says of each cell, by the codes of state and action; its outcome is 'c', 'u', 'r', or 0. */
static struct {
    char outcome;
    rc_state after;
} table[256][256];

static rc_state state_of(const char *recording, const char *marking, const char *saving)
{
    return rc_state_of(rc_recording_of_name(rc_text_of(recording)), rc_marking_of_name(rc_text_of(marking)),
                       rc_saving_of_name(rc_text_of(saving)));
}

static unsigned read_table(const char *path)
{
    char line[256], field[8][32];
    unsigned cells = 0;
    FILE *file = fopen(path, "r");
    CHECK(file != NULL && fgets(line, sizeof line, file) != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        CHECK(sscanf(line, "%31[^,],%31[^,],%31[^,],%31[^,],%31[^,],%31[^,],%31[^,],%31[^,\r\n]", field[0], field[1], field[2],
                     field[3], field[4], field[5], field[6], field[7]) == 8);
        rc_state from = state_of(field[0], field[1], field[2]), after = state_of(field[5], field[6], field[7]);
        rc_action action = rc_action_of_name(rc_text_of(field[3]));
        CHECK(from != RC_STATE_NONE && after != RC_STATE_NONE && action != RC_CODE_NONE);
        CHECK(table[from][action].outcome == 0);
        table[from][action].outcome = field[4][0];
        table[from][action].after = after;
        cells++;
    }
    fclose(file);
    return cells;
}

static void transitions(void)
{
    unsigned changed = 0, unchanged = 0, refused = 0;
    for (unsigned state = 0; state < 256; state++) {
        int valid = (state & 0xc0) == 0 && (state & 0x0c) != 0x0c && (state & 0x30) != 0x30;
        rc_action_set allowed = 0, changing = 0;
        for (unsigned action = 0; action < 256; action++) {
            rc_transition got = rc_apply((rc_state)state, (rc_action)action);
            char outcome = table[state][action].outcome;
            if (outcome == 0) {
                CHECK(got.outcome == (valid ? RC_OUTCOME_NO_ACTION : RC_OUTCOME_NO_STATE));
                CHECK(got.state == (valid ? state : RC_STATE_NONE));
                continue;
            }
            CHECK(valid && got.state == table[state][action].after);
            CHECK((outcome == 'c') == (got.outcome == RC_OUTCOME_CHANGED));
            CHECK((outcome == 'u') == (got.outcome == RC_OUTCOME_UNCHANGED));
            CHECK((outcome == 'r') == (got.outcome == RC_OUTCOME_NOT_STARTED || got.outcome == RC_OUTCOME_STOPPED));
            if (outcome == 'r')
                CHECK((got.outcome == RC_OUTCOME_STOPPED) == (rc_state_recording((rc_state)state) == RC_RECORDING_STOPPED));
            allowed = (rc_action_set)(allowed | (outcome != 'r') << action);
            changing = (rc_action_set)(changing | (outcome == 'c') << action);
            changed += outcome == 'c';
            unchanged += outcome == 'u';
            refused += outcome == 'r';
        }
        CHECK(rc_state_allowed((rc_state)state) == allowed && rc_state_changing((rc_state)state) == changing);
        CHECK(rc_state_is_valid((rc_state)state) == valid);
    }
    CHECK(changed == 150 && unchanged == 75 && refused == 27);
}

static void axes(void)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        rc_state state = (rc_state)byte;
        int valid = rc_state_is_valid(state);
        CHECK(rc_state_recording(state) == (valid ? (byte & 3) : RC_CODE_NONE));
        CHECK(rc_state_marking(state) == (valid ? (byte >> 2 & 3) : RC_CODE_NONE));
        CHECK(rc_state_saving(state) == (valid ? (byte >> 4 & 3) : RC_CODE_NONE));
        if (valid)
            CHECK(rc_state_of(rc_state_recording(state), rc_state_marking(state), rc_state_saving(state)) == state);
        CHECK((rc_state_of((rc_recording)byte, 0, 0) == RC_STATE_NONE) == (byte > 3));
        CHECK((rc_state_of(0, (rc_marking)byte, 0) == RC_STATE_NONE) == (byte > 2));
        CHECK((rc_state_of(0, 0, (rc_saving)byte) == RC_STATE_NONE) == (byte > 2));
        /* The table of docs/protocol.md, section 6. */
        for (unsigned by_default = 0; by_default < 256; by_default++) {
            rc_disposition got = rc_disposition_of(state, (uint8_t)by_default);
            unsigned saving = byte >> 4 & 3;
            if (!valid || by_default > 1)
                CHECK(got == RC_CODE_NONE);
            else if ((byte & 3) == RC_RECORDING_UNINITIALIZED)
                CHECK(got == RC_DISPOSITION_NOTHING_RECORDED);
            else
                CHECK(got == (saving == RC_SAVING_SAVE || (saving == RC_SAVING_NONE && by_default) ? RC_DISPOSITION_KEEP
                                                                                                  : RC_DISPOSITION_DISCARD));
        }
    }
}

static void documents(void)
{
    char room[64];
    for (unsigned byte = 0; byte < 256; byte++) {
        rc_buffer buffer = {room, sizeof room, 77};
        rc_state state = 99;
        if (!rc_state_is_valid((rc_state)byte)) {
            CHECK(rc_state_write((rc_state)byte, &buffer) == RC_NO_STATE && buffer.len == 77);
            continue;
        }
        CHECK(rc_state_write((rc_state)byte, &buffer) == RC_OK);
        rc_text document = {room, buffer.len};
        CHECK(rc_state_read(document, &state) == RC_OK && state == byte);
        for (size_t capacity = 0; capacity < document.len; capacity++) {
            rc_buffer small = {capacity == 0 ? NULL : malloc(capacity), capacity, 0};
            CHECK(rc_state_write((rc_state)byte, &small) == RC_BUFFER_TOO_SMALL && small.len == document.len);
            free(small.data);
        }
    }
    rc_state state = 99;
    const rc_text none = {NULL, 5}, endless = {room, SIZE_MAX}, empty = {NULL, 0};
    rc_buffer no_data = {NULL, 5, 77}, no_end = {room, SIZE_MAX, 77};
    CHECK(rc_state_read(none, &state) == RC_NULL && rc_state_read(endless, &state) == RC_TOO_LONG);
    CHECK(rc_state_read(empty, &state) == RC_NOT_UNDERSTOOD && rc_state_read(rc_text_of("{}"), &state) == RC_NOT_UNDERSTOOD);
    CHECK(rc_state_read(rc_text_of("{}"), NULL) == RC_NULL && rc_state_write(0, NULL) == RC_NULL && state == 99);
    CHECK(rc_state_write(0, &no_data) == RC_NULL && rc_state_write(0, &no_end) == RC_TOO_LONG);
    CHECK(no_data.len == 77 && no_end.len == 77);
}

#define NAMES(kind, name_of, of_name, first, last)                                                                     \
    for (unsigned code = 0; code < 256; code++) {                                                                      \
        const char *name = name_of((uint8_t)code);                                                                     \
        CHECK((name != NULL) == (code - (first) <= (last) - (first)));                                                  \
        if (name != NULL)                                                                                              \
            CHECK(of_name(rc_text_of(name)) == code);                                                                  \
    }                                                                                                                  \
    CHECK(of_name(rc_text_of("")) == RC_CODE_NONE && of_name(rc_text_of(NULL)) == RC_CODE_NONE);                       \
    CHECK(of_name(rc_text_of("\xff")) == RC_CODE_NONE && of_name((rc_text){NULL, 3}) == RC_CODE_NONE);                 \
    CHECK(of_name((rc_text){"x", SIZE_MAX}) == RC_CODE_NONE)

static rc_disposition disposition_of_name(rc_text name)
{
    for (rc_disposition code = 0; code < 3; code++)
        if (name.len == strlen(rc_disposition_name(code)) && memcmp(rc_disposition_name(code), name.data, name.len) == 0)
            return code;
    return RC_CODE_NONE;
}

static void names(void)
{
    NAMES("recording", rc_recording_name, rc_recording_of_name, 0U, 3U);
    NAMES("marking", rc_marking_name, rc_marking_of_name, 0U, 2U);
    NAMES("saving", rc_saving_name, rc_saving_of_name, 0U, 2U);
    NAMES("action", rc_action_name, rc_action_of_name, 1U, 7U);
    for (unsigned code = 0; code < 256; code++) {
        const char *audit = rc_action_audit_name((rc_action)code), *name = rc_action_name((rc_action)code);
        char expected[64] = "";
        CHECK((audit != NULL) == (name != NULL));
        if (audit != NULL) {
            snprintf(expected, sizeof expected, "RecorderSetTo%sByAgent", name);
            CHECK(strcmp(audit, expected) == 0);
        }
        CHECK((rc_disposition_name((rc_disposition)code) != NULL) == (code < 3));
    }
    CHECK(disposition_of_name(rc_text_of("Keep")) == RC_DISPOSITION_KEEP);
    CHECK(disposition_of_name(rc_text_of("Discard")) == RC_DISPOSITION_DISCARD);
    CHECK(disposition_of_name(rc_text_of("NothingRecorded")) == RC_DISPOSITION_NOTHING_RECORDED);
    CHECK(rc_action_of_name(rc_text_of("uNmArK")) == RC_ACTION_UNMARK);
    /* Each status has a text of its own. */
    for (int status = RC_OK; status <= RC_SESSIONS_FULL; status++)
        for (int other = -1; other < status; other++)
            CHECK(strcmp(rc_status_text(status), rc_status_text(other)) != 0);
    CHECK(strcmp(rc_status_text(-1), rc_status_text(RC_SESSIONS_FULL + 1)) == 0);
    CHECK(strcmp(rc_status_text(2147483647), rc_status_text(-2147483647 - 1)) == 0);
}

int main(int count, char **arguments)
{
    CHECK(count == 2 && read_table(arguments[1]) == 252);
    CHECK(rc_abi_version() == RC_ABI_VERSION);
    transitions();
    axes();
    documents();
    names();
    printf("values: %lu checks, all 252 cells and every other byte among them\n", checks);
    return 0;
}
