/* Checkpoint images on disk: DUMP/CTID/. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Is there an image to resume from? */
bool image_present(uint32_t id);
