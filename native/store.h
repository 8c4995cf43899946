// The store in which processes that train together meet.
#ifndef OTOMASK_STORE_H
#define OTOMASK_STORE_H

#include "otomask.h"

#include <chrono>

#include <torch/csrc/distributed/c10d/Store.hpp>

namespace otomask {

using milliseconds = std::chrono::milliseconds;
using StorePointer = c10::intrusive_ptr<c10d::Store>;

// Opens the store that the options name, or becomes it.
StorePointer open_store(const om_group_options& options, milliseconds patience);

// Everybody says that it is there and waits for all; whoever is missing is named.
void wait_for_all(c10d::Store& store, const om_group_options& options, milliseconds patience);

}  // namespace otomask

#endif
