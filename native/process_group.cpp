// Processes that train together: torch.distributed (c10d) for the C ABI.
//
// What is asked of a group is done one after the other on a thread of its own, in the order in which it was asked. That order
// is the same in every process, so what belongs together meets, and what takes two turns on the wire (a sum of bfloat16) needs
// nobody to come back for the second.
#include "guard.h"
#include "otomask.h"
#include "store.h"
#include "torch_since.h"

#ifdef OTOMASK_GLOO

#include <omp.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#ifdef OTOMASK_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

using namespace otomask;

namespace {

constexpr int pieces_at_once = 4;

struct Group {
  Group(const om_group_options& options)
      : rank(options.rank), size(options.size), store(open_store(options, milliseconds(options.form_ms))) {
    wait_for_all(*store, options, milliseconds(options.form_ms));
    worker = std::thread([this] { work(); });
  }

  // By a connection of its own to the store: while one waits there, nobody else can ask anything on it.
  void connect(const om_group_options& options) {
    om_group_options as_client = options;
    as_client.hosts_store = 0;
    const StorePointer meeting = options.file != nullptr ? store : open_store(as_client, milliseconds(options.form_ms));
    auto settings = c10d::ProcessGroupGloo::Options::create(milliseconds(options.timeout_ms));
    settings->threads = pieces_at_once;
    settings->devices.push_back(options.interface != nullptr
                                    ? c10d::ProcessGroupGloo::createDeviceForInterface(options.interface)
                                    : c10d::ProcessGroupGloo::createDeviceForHostname(options.address));
    gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(c10::make_intrusive<c10d::PrefixStore>("gloo", meeting), rank, size, settings);
#ifdef OTOMASK_NCCL
    if (std::string(options.backend) == "nccl") {
      auto nccl_settings = c10d::ProcessGroupNCCL::Options::create();
      nccl_settings->timeout = milliseconds(options.timeout_ms);
      nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("nccl", meeting), rank, size, nccl_settings);
    }
#endif
  }

  void hang_up() {
    std::lock_guard<std::mutex> lock(gate);
    if (!busy && jobs.empty()) gloo.reset();
  }

  // What is still asked for is not waited for. What is being done just now may hang for as long as the others do: then the
  // group stays as it is, until the process ends.
  static void close(std::unique_ptr<Group> group) {
    bool hangs;
    {
      std::lock_guard<std::mutex> lock(group->gate);
      group->closed = true;
      group->jobs.clear();
      hangs = group->busy;
    }
    group->changed.notify_all();
    if (hangs) {
      group->worker.detach();
      group.release();
    } else {
      group->worker.join();
    }
  }

  // What has failed may be half done here and wholly done elsewhere: what came next would meet something else there, of another
  // length (gloo ends the process then) or, worse, of the same. So it fails as well.
  std::future<void> begin(std::function<void()> job) {
    std::packaged_task<void()> task([this, job = std::move(job)] {
      if (failed) std::rethrow_exception(failed);
      try {
        job();
      } catch (...) {
        failed = std::current_exception();
        throw;
      }
    });
    std::future<void> done = task.get_future();
    {
      std::lock_guard<std::mutex> lock(gate);
      jobs.push_back(std::move(task));
    }
    changed.notify_all();
    return done;
  }

  void sum(at::Tensor tensor) {
#ifdef OTOMASK_NCCL
    if (nccl && tensor.is_cuda()) {
      std::vector<at::Tensor> tensors{tensor};
      nccl->allreduce(tensors)->wait();
      return;
    }
#endif
    on_host(tensor, [&](at::Tensor host) {
      if (host.scalar_type() == at::kBFloat16) {
        sum_bfloat16(host);
      } else {
        std::vector<at::Tensor> tensors{host};
        others().allreduce(tensors)->wait();
      }
    });
  }

  void broadcast(at::Tensor tensor, int32_t from) {
    on_host(tensor, [&](at::Tensor host) {
      std::vector<at::Tensor> bytes{host.view(at::kByte)};
      c10d::BroadcastOptions options;
      options.rootRank = from;
      others().broadcast(bytes, options)->wait();
    });
  }

  const int32_t rank, size;
  const StorePointer store;

 private:
  c10d::ProcessGroupGloo& others() {
    TORCH_CHECK(gloo, "this process is not connected with the others");
    return *gloo;
  }

  template <class Body>
  void on_host(at::Tensor tensor, Body&& body) {
    if (tensor.is_cpu()) return body(tensor);
    const at::Tensor host = tensor.cpu();
    body(host);
    tensor.copy_(host);
  }

  // Part of a sum of bfloat16 on its way: what others have of this process's part of it, then that part's sum for all.
  struct Piece {
    at::Tensor values, received, told;
    std::vector<int64_t> parts, mine;
    c10::intrusive_ptr<c10d::Work> arriving, leaving;
  };

  // Gloo of older libtorches knows no bfloat16, and would round at every stop of its ring. Here each process sums a part for
  // all, in float32 and in the order of ranks, and rounds once: as many bytes on the wire as a ring, half of float32's. It
  // goes in pieces, several at once: between two processes gloo says "send" behind what it is sending itself, so that of one
  // large piece one direction would wait for the other.
  void sum_bfloat16(at::Tensor flat) {
    const int64_t most = size * int64_t{1 << 17};
    std::vector<Piece> pieces;
    for (int64_t start = 0; start < flat.numel(); start += most) {
      Piece& piece = pieces.emplace_back();
      const int64_t count = std::min(most, flat.numel() - start), part = (count + size - 1) / size;
      for (int32_t r = 0; r < size; r++) piece.parts.push_back(std::clamp<int64_t>(count - r * part, 0, part));
      piece.mine.assign(size, piece.parts[rank]);
      piece.values = flat.narrow(0, start, count);
      piece.received = at::empty({size * piece.mine[0]}, at::kBFloat16);
      piece.arriving = exchange(piece.values, piece.parts, piece.received, piece.mine);
    }
    for (Piece& piece : pieces) {
      piece.arriving->wait();
      const at::Tensor all = piece.received.view({size, piece.mine[0]});
      at::Tensor total = all[0].to(at::kFloat);
      for (int32_t r = 1; r < size; r++) total.add_(all[r]);
      piece.told = total.to(at::kBFloat16).repeat({size});
      piece.leaving = exchange(piece.told, piece.mine, piece.values, piece.parts);
    }
    for (Piece& piece : pieces) piece.leaving->wait();
  }

  // Each process gives a part to each, as bytes, which every gloo carries. The counts are copies, for gloo keeps what it is
  // handed.
  c10::intrusive_ptr<c10d::Work> exchange(at::Tensor given, std::vector<int64_t> given_counts, at::Tensor taken,
                                          std::vector<int64_t> taken_counts) {
    for (auto* counts : {&given_counts, &taken_counts})
      for (int64_t& count : *counts) count *= static_cast<int64_t>(given.element_size());
    at::Tensor given_bytes = given.view(at::kByte), taken_bytes = taken.view(at::kByte);
    return others().alltoall_base(taken_bytes, given_bytes, taken_counts, given_counts);
  }

  void work() {
    at::get_num_threads();   // sets what is remembered for this thread,
    omp_set_num_threads(1);  // which has no business on the cores that compute
    at::NoGradGuard no_gradients;
    while (true) {
      std::packaged_task<void()> task;
      {
        std::unique_lock<std::mutex> lock(gate);
        changed.wait(lock, [this] { return closed || !jobs.empty(); });
        if (closed) return;
        task = std::move(jobs.front());
        jobs.pop_front();
        busy = true;
      }
      task();
      std::lock_guard<std::mutex> lock(gate);
      busy = false;
    }
  }

  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
#ifdef OTOMASK_NCCL
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl;
#endif
  std::mutex gate;
  std::condition_variable changed;
  std::deque<std::packaged_task<void()>> jobs;
  bool closed = false, busy = false;
  std::exception_ptr failed;  // the worker's own
  std::thread worker;
};

Group& of(void* group) { return *static_cast<Group*>(group); }

std::vector<uint8_t> bytes_of(const char* text) { return {text, text + std::char_traits<char>::length(text)}; }

}  // namespace

OM_API int32_t om_backends(const char** names) {
  return guarded([&] {
#ifdef OTOMASK_NCCL
    *names = "gloo nccl";
#else
    *names = "gloo";
#endif
  });
}

OM_API int32_t om_group_open(const om_group_options* options, void** group) {
  return guarded([&] { *group = new Group(*options); });
}

OM_API int32_t om_group_connect(void* group, const om_group_options* options) {
  return guarded([&] { of(group).connect(*options); });
}

OM_API int32_t om_group_hang_up(void* group) {
  return guarded([&] { of(group).hang_up(); });
}

OM_API int32_t om_group_close(void* group) {
  return guarded([&] { Group::close(std::unique_ptr<Group>(static_cast<Group*>(group))); });
}

OM_API int32_t om_sum(void* group, void* tensor, void** work) {
  return guarded([&] {
    Group& all = of(group);
    at::Tensor mine = borrow(tensor).detach();
    TORCH_CHECK(mine.is_contiguous(), "only a contiguous tensor can be summed");
    *work = new std::future<void>(all.begin([&all, mine] { all.sum(mine); }));
  });
}

OM_API int32_t om_await(void* work) {
  return guarded([&] { std::unique_ptr<std::future<void>>(static_cast<std::future<void>*>(work))->get(); });
}

OM_API int32_t om_broadcast(void* group, void* tensor, int32_t from) {
  return guarded([&] {
    Group& all = of(group);
    at::Tensor mine = borrow(tensor).detach();
    TORCH_CHECK(mine.is_contiguous(), "only a contiguous tensor can be told to all");
    all.begin([&all, mine, from] { all.broadcast(mine, from); }).get();
  });
}

OM_API int32_t om_store_set(void* group, const char* key, const char* text) {
  return guarded([&] { of(group).store->set(key, bytes_of(text)); });
}

OM_API int32_t om_store_add(void* group, const char* key, int64_t amount, int64_t* value) {
  return guarded([&] { *value = of(group).store->add(key, amount); });
}

OM_API int32_t om_store_get(void* group, const char* key, const char** text) {
  return guarded([&] {
    static thread_local std::string found;
    c10d::Store& store = *of(group).store;
    *text = nullptr;
    if (!store.check({key})) return;
    const std::vector<uint8_t> bytes = store.get(key);
    found.assign(bytes.begin(), bytes.end());
    *text = found.c_str();
  });
}

#else  // a libtorch without gloo, or gloo without its headers

using namespace otomask;

namespace {

int32_t refuse() noexcept {
  return guarded([] {
    TORCH_CHECK(false, "this build knows no other processes: install gloo's headers (Debian's libgloo-dev) and build again, with a libtorch that has gloo");
  });
}

}  // namespace

OM_API int32_t om_backends(const char** names) {
  return guarded([&] { *names = ""; });
}
OM_API int32_t om_group_open(const om_group_options*, void**) { return refuse(); }
OM_API int32_t om_group_connect(void*, const om_group_options*) { return refuse(); }
OM_API int32_t om_group_hang_up(void*) { return refuse(); }
OM_API int32_t om_group_close(void*) { return refuse(); }
OM_API int32_t om_sum(void*, void*, void**) { return refuse(); }
OM_API int32_t om_await(void*) { return refuse(); }
OM_API int32_t om_broadcast(void*, void*, int32_t) { return refuse(); }
OM_API int32_t om_store_set(void*, const char*, const char*) { return refuse(); }
OM_API int32_t om_store_add(void*, const char*, int64_t, int64_t*) { return refuse(); }
OM_API int32_t om_store_get(void*, const char*, const char**) { return refuse(); }

#endif
