#ifdef OTOMASK_GLOO

#include "store.h"

#include "torch_since.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <string_view>
#include <vector>

#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

namespace otomask {

namespace {

// The port at one end of a socket: its own (getsockname) or that of whom it is connected to (getpeername); 0 for what is no such socket.
uint16_t port_at(int file, int (*name_of)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (name_of(file, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6  ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
               : address.ss_family == AF_INET ? reinterpret_cast<sockaddr_in*>(&address)->sin_port
                                              : 0);
}

int most_files() { return static_cast<int>(std::min<long>(sysconf(_SC_OPEN_MAX), 65536)); }

// TCPStore listens on every address of the machine. A listening socket that is bound to a device hears that device alone.
void listen_on_loopback_alone(uint16_t port) {
  bool bound = false;
  for (int file = 0; file < most_files(); file++) {
    int listens = 0;
    socklen_t length = sizeof listens;
    if (getsockopt(file, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || !listens || port_at(file, getsockname) != port) continue;
    constexpr char loopback[] = "lo";
    bound = setsockopt(file, SOL_SOCKET, SO_BINDTODEVICE, loopback, sizeof loopback) == 0;
  }
  if (!bound) throw std::runtime_error("the store cannot be kept to the loopback device, which takes Linux 5.7");
}

#if TORCH_SINCE(2, 2)
// TCPStore waits for its answers without end, so that whoever asks when a wire is cut hangs as long as TCP goes on trying, a quarter of an hour.
// An older one has a thread on a connection of its own, which ends the process by an exception where that fails: it is left to TCP.
void give_up_after(uint16_t port, milliseconds patience) {
  const auto number = [](int64_t value) { return static_cast<int>(std::clamp<int64_t>(value, 1, std::numeric_limits<int>::max())); };
  for (int file = 0; file < most_files(); file++) {
    if (port_at(file, getpeername) != port) continue;
    const auto set = [file](int level, int name, int value) { setsockopt(file, level, name, &value, sizeof value); };
    const int between = number(std::min<int64_t>(patience.count() / 4000, 30));
    set(SOL_SOCKET, SO_KEEPALIVE, 1);  // asks where nothing is on its way, too
    set(IPPROTO_TCP, TCP_KEEPIDLE, between);
    set(IPPROTO_TCP, TCP_KEEPINTVL, between);
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, number(patience.count()));
  }
}
#endif

// Gloo tells of every group on the standard error, without asking any log level (2.14 does). Whoever wants to read it sets TORCH_CPP_LOG_LEVEL=INFO.
class WithoutGlooInfo : public std::streambuf {
 public:
  explicit WithoutGlooInfo(std::streambuf* out) : out(out) {}

 protected:
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    const std::string_view line(text, static_cast<size_t>(count));
    const bool is_info = line.substr(0, 1) == "[" && line.find("/gloo/") < line.find(']') && line.find("] INFO ") == line.find(']');
    return is_info ? count : out->sputn(text, count);
  }
  int overflow(int letter) override { return letter == traits_type::eof() ? sync() : out->sputc(static_cast<char>(letter)); }
  int sync() override { return out->pubsync(); }

 private:
  std::streambuf* out;
};

void leave_out_gloo_info() {
  const char* level = std::getenv("TORCH_CPP_LOG_LEVEL");
  if (level != nullptr && std::string_view(level) == "INFO") return;
  static const bool done = [] {
    std::cerr.rdbuf(new WithoutGlooInfo(std::cerr.rdbuf()));  // never deleted: whoever writes, writes until the end of the process
    return true;
  }();
  static_cast<void>(done);
}

std::string key_of(int32_t rank) { return "came/" + std::to_string(rank); }

}  // namespace

StorePointer open_store(const om_group_options& options, milliseconds patience) {
  c10::initLogging();  // heeds TORCH_CPP_LOG_LEVEL, as Python's torch does when it is imported
  leave_out_gloo_info();
  StorePointer store;
  if (options.file != nullptr) {
    store = c10::make_intrusive<c10d::FileStore>(options.file, options.size);
  } else {
    c10d::TCPStoreOptions tcp;
    tcp.port = static_cast<uint16_t>(options.port);
    tcp.isServer = options.hosts_store != 0;
    tcp.waitWorkers = false;
    tcp.timeout = patience;
#if TORCH_SINCE(2, 2)
    tcp.useLibUV = false;  // Debian's libtorch has no libuv, and would refuse
#endif
    auto opened = c10::make_intrusive<c10d::TCPStore>(options.host, tcp);
    if (options.hosts_store && options.loopback) listen_on_loopback_alone(opened->getPort());
#if TORCH_SINCE(2, 2)
    give_up_after(opened->getPort(), milliseconds(options.timeout_ms));
#endif
    store = opened;
  }
  store->setTimeout(patience);
  return c10::make_intrusive<c10d::PrefixStore>(options.prefix, store);
}

void wait_for_all(c10d::Store& store, const om_group_options& options, milliseconds patience) {
  store.set(key_of(options.rank), std::vector<uint8_t>{1});
  std::vector<std::string> keys;
  for (int32_t rank = 0; rank < options.size; rank++) keys.push_back(key_of(rank));
  try {
    store.wait(keys, patience);
  } catch (const std::exception&) {
    std::string missing;
    for (int32_t rank = 0; rank < options.size; rank++) {
      if (!store.check({keys[rank]})) missing += (missing.empty() ? "" : ", ") + std::to_string(rank);
    }
    if (missing.empty()) return;
    throw std::runtime_error("missing " + missing);
  }
}

}  // namespace otomask

#endif
