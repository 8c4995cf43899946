/* What tests ask the pretended device. */
#ifndef PRETENDED_DEVICE_H
#define PRETENDED_DEVICE_H

#include <stdint.h>

/* What crossed between host and device since the last reset. A copy waits unless it is non-blocking and the host's side is
 * pinned: as on a GPU, where everything queued before it has to be done. */
struct pretended_counts {
  int64_t copies_to_device;
  int64_t copies_to_host;
  int64_t waits;
};

extern "C" {
__attribute__((visibility("default"))) void pretended_device_counts(pretended_counts* counts);
__attribute__((visibility("default"))) void pretended_device_reset(void);
}

#endif
