/* What the tests share: a check that tells where it stands, counted. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

static unsigned long checks;

#define CHECK(holds)                                                                  \
    do {                                                                              \
        checks++;                                                                     \
        if (!(holds)) {                                                               \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #holds); \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

#endif
