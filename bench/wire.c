// A wire between two network devices, as long and as thin as is asked for: what netem does, where the kernel has none.
//   wire DEVICE DEVICE GBIT_PER_SECOND MILLISECONDS
// Makes both devices (taps; the caller moves them into namespaces), says "ready", and carries frames between them until it is killed.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
  frames_on_the_wire = 512,
  largest_frame = 65536 + 64,  // not cut into packets yet (TSO), as a network card takes it
  payload = 1448,              // of a packet of 1500 bytes,
  around_it = 90,              // and what goes with each: headers, checksum, preamble, gap
};
static const int64_t longest_queue = 10000000;  // ns of frames that wait for the wire; whoever sends more waits, as for a card

typedef struct {
  int64_t arrives;
  ssize_t length;
  char bytes[largest_frame];
} frame;

typedef struct {
  int from, to;
  double nanoseconds_a_byte;
  int64_t delay;
  frame frames[frames_on_the_wire];
  uint64_t taken, given;  // so many in all
  pthread_mutex_t gate;
  pthread_cond_t changed;
} direction;

static void die(const char* what) {
  fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void sleep_until(int64_t when) {
  const struct timespec t = {when / 1000000000, when % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
  }
}

static int make_device(const char* name) {
  const int device = open("/dev/net/tun", O_RDWR);
  if (device < 0) die("/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(device, TUNSETIFF, &request) < 0) die(name);
  if (ioctl(device, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) < 0) die(name);
  return device;
}

static void* take(void* of) {
  direction* way = of;
  int64_t free_at = 0;
  prctl(PR_SET_TIMERSLACK, 1);
  while (1) {
    pthread_mutex_lock(&way->gate);
    while (way->taken - way->given == frames_on_the_wire) pthread_cond_wait(&way->changed, &way->gate);
    frame* next = &way->frames[way->taken % frames_on_the_wire];
    pthread_mutex_unlock(&way->gate);
    next->length = read(way->from, next->bytes, sizeof next->bytes);
    if (next->length < 0) die("read");
    const int64_t here = now();
    const ssize_t packets = (next->length + payload - 1) / payload;
    if (free_at < here) free_at = here;
    free_at += (int64_t)((double)(next->length + (packets - 1) * around_it) * way->nanoseconds_a_byte);
    next->arrives = free_at + way->delay;
    pthread_mutex_lock(&way->gate);
    way->taken++;
    pthread_cond_signal(&way->changed);
    pthread_mutex_unlock(&way->gate);
    if (free_at - here > longest_queue) sleep_until(free_at - longest_queue);
  }
  return NULL;
}

static void* give(void* of) {
  direction* way = of;
  prctl(PR_SET_TIMERSLACK, 1);
  while (1) {
    pthread_mutex_lock(&way->gate);
    while (way->taken == way->given) pthread_cond_wait(&way->changed, &way->gate);
    const frame* next = &way->frames[way->given % frames_on_the_wire];
    pthread_mutex_unlock(&way->gate);
    sleep_until(next->arrives);
    if (write(way->to, next->bytes, (size_t)next->length) < 0 && errno != EIO) die("write");  // EIO: that device is not up yet
    pthread_mutex_lock(&way->gate);
    way->given++;
    pthread_cond_signal(&way->changed);
    pthread_mutex_unlock(&way->gate);
  }
  return NULL;
}

static direction ways[2];

int main(int count, char** arguments) {
  if (count != 5 || atof(arguments[3]) <= 0 || atof(arguments[4]) < 0) {
    fprintf(stderr, "wire: wire DEVICE DEVICE GBIT_PER_SECOND MILLISECONDS\n");
    return 2;
  }
  const int devices[] = {make_device(arguments[1]), make_device(arguments[2])};
  for (int i = 0; i < 2; i++) {
    direction* way = &ways[i];
    way->from = devices[i];
    way->to = devices[1 - i];
    way->nanoseconds_a_byte = 8 / atof(arguments[3]);
    way->delay = (int64_t)(atof(arguments[4]) * 1e6);
    pthread_mutex_init(&way->gate, NULL);
    pthread_cond_init(&way->changed, NULL);
    pthread_t thread;
    if (pthread_create(&thread, NULL, take, way) != 0 || pthread_create(&thread, NULL, give, way) != 0) die("thread");
  }
  puts("ready");
  fflush(stdout);
  while (1) pause();
}
