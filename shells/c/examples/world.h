/*
 * What the examples begin with: a file of lines whose fields are separated by tabs.
 *
 *     ucc      NAME  11100               five digits, 0 or 1: licensed, use, edit, save by default, refuse repeats
 *     agent    NAME  sip:agent@domain.com
 *     session  NAME  CORRELATION-ID  20  the state's byte, in decimal
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording_core.h"

static rc_status enter(rc_desk *desk, const char *what, const char *name, const char *third, const char *fourth)
{
    if (strcmp(what, "ucc") == 0 && third != NULL && strlen(third) == 5) {
        uint8_t digits[5];
        for (int place = 0; place < 5; place++)
            digits[place] = (uint8_t)(third[place] - '0');
        rc_settings settings = {digits[0], digits[1], digits[2], digits[3], digits[4]};
        return rc_desk_add_ucc(desk, rc_text_of(name), &settings);
    }
    if (strcmp(what, "agent") == 0)
        return rc_desk_add_agent(desk, rc_text_of(name), rc_text_of(third));
    if (strcmp(what, "session") == 0 && fourth != NULL) {
        unsigned long state = strtoul(fourth, NULL, 10);
        return rc_desk_begin(desk, rc_text_of(name), rc_text_of(third), state > 255 ? RC_STATE_NONE : (rc_state)state);
    }
    return RC_NOT_UNDERSTOOD;
}

static int read_world(rc_desk *desk, const char *path)
{
    char line[1024];
    FILE *file = fopen(path, "r");
    rc_status status = RC_OK;
    if (file == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return 1;
    }
    for (int number = 1; status == RC_OK && fgets(line, sizeof line, file) != NULL; number++) {
        const char *what = strtok(line, "\t\n"), *name = strtok(NULL, "\t\n"), *third = strtok(NULL, "\t\n");
        if (what != NULL && (status = enter(desk, what, name, third, strtok(NULL, "\t\n"))) != RC_OK)
            fprintf(stderr, "%s, line %d: %s\n", path, number, rc_status_text(status));
    }
    fclose(file);
    return status != RC_OK;
}

#endif
