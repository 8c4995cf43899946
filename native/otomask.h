/* The C ABI between OtoMask and libtorch.
 *
 * It stays tiny because it wraps no operator: om_call reaches every ATen operator by its schema name, with boxed
 * arguments. Every function returns 0, or 1 with a message in om_last_error (UTF-8, valid until the next failure on
 * the same thread). A tensor crosses as an owned reference (void*): whoever receives one frees it with om_free.
 * Grad mode and autocast belong to the calling thread, as in libtorch. */
#ifndef OTOMASK_H
#define OTOMASK_H

#include <stdint.h>

#define OM_API extern "C" __attribute__((visibility("default")))
#define OM_ABI 10

enum om_tag : int32_t {
  OM_NONE = 0,
  OM_TENSOR = 1,      /* tensor */
  OM_INT = 2,         /* integer; also scalar type, layout, memory format */
  OM_DOUBLE = 3,      /* number */
  OM_BOOL = 4,        /* integer, 0 or 1 */
  OM_INT_LIST = 5,    /* integers, count */
  OM_TENSOR_LIST = 6, /* tensors, count; a null entry is an absent tensor */
  OM_STRING = 7,      /* text; becomes a Device where the schema asks for one */
};

/* One argument or result: 16 bytes. */
struct om_value {
  int32_t tag;
  int32_t count;
  union {
    void* tensor;
    int64_t integer;
    double number;
    const int64_t* integers;
    void* const* tensors;
    const char* text;
  };
};

OM_API int32_t om_abi(void);
OM_API const char* om_last_error(void);

/* What libtorch was built with and how it runs, as text. */
OM_API int32_t om_describe(const char** text);

/* Operators: find once, call often. Missing trailing arguments take the schema's defaults. */
OM_API int32_t om_find(const char* name, const char* overload, void** op);
OM_API int32_t om_call(void* op, const om_value* arguments, int32_t count, om_value* results, int32_t capacity,
                       int32_t* produced);

/* Tensors. dtype is c10::ScalarType as an integer. */
OM_API int32_t om_free(void* tensor);
OM_API int32_t om_from_memory(const void* data, const int64_t* sizes, int32_t dims, int32_t dtype, void** tensor);
/* Values of the host on their way to a device. */
struct om_array {
  const void* data;
  const int64_t* sizes;
  int32_t dims;
  int32_t dtype;
};
/* Copies arrays to a device: in one piece, from pinned memory and without waiting for it where the device is one that can. */
OM_API int32_t om_send(const om_array* arrays, int32_t count, const char* device, void** tensors);
OM_API int32_t om_to_memory(void* tensor, void* data, int64_t bytes);
/* Where the values of a contiguous CPU tensor lie. */
OM_API int32_t om_data(void* tensor, void** data);
OM_API int32_t om_sizes(void* tensor, int64_t* sizes, int32_t capacity, int32_t* dims);
OM_API int32_t om_dtype(void* tensor, int32_t* dtype);
/* For example cpu, cuda:0; valid until the next call on the same thread. */
OM_API int32_t om_device(void* tensor, const char** name);

/* Autograd. */
OM_API int32_t om_backward(void* loss);
OM_API int32_t om_grad(void* tensor, void** gradient);
OM_API int32_t om_set_grad(void* tensor, void* gradient);
OM_API int32_t om_set_grad_mode(int32_t enabled, int32_t* previous);
OM_API int32_t om_set_autocast(const char* device, int32_t enabled, int32_t dtype);
/* Whether this libtorch can run products on a device in another type at all. */
OM_API int32_t om_has_autocast(const char* device, int32_t* has);

/* Calls back with context and index when the gradient of a tensor that is no leaf is there, that is, when everything that the
 * backward pass does between it and the loss is done, gradients of parameters included. A tensor without gradient is not watched. */
OM_API int32_t om_when_differentiated(void* tensor, void (*reached)(void* context, int32_t index), void* context, int32_t index,
                                      int32_t* watched);

/* Processes that train together, by torch.distributed (c10d). */
struct om_group_options {
  const char* backend;   /* gloo, or nccl for tensors on CUDA devices */
  const char* file;      /* the store is a file of this machine; null = it is at host and port */
  const char* host;
  const char* prefix;    /* of all keys in the store */
  const char* interface; /* the network interface that gloo listens on; null = the one that has address */
  const char* address;
  int32_t port;
  int32_t hosts_store;   /* whether the store listens in this process */
  int32_t loopback;      /* whether it hears this machine alone */
  int32_t rank;
  int32_t size;
  int32_t form_ms;       /* for all to come */
  int32_t timeout_ms;    /* for what all do together */
};
/* What there is, with spaces between; empty where this was built without. */
OM_API int32_t om_backends(const char** names);
/* Opens the store and waits until all have said there that they came. */
OM_API int32_t om_group_open(const om_group_options* options, void** group);
/* Connects them with each other: before that, the store alone can be asked. */
OM_API int32_t om_group_connect(void* group, const om_group_options* options);
/* Ends these connections, so that nobody waits for this process any longer; not while something is being done. */
OM_API int32_t om_group_hang_up(void* group);
/* Never waits for the others. */
OM_API int32_t om_group_close(void* group);
/* The sum over all processes, in place. It has only begun; om_await waits until it is done, and frees the work. */
OM_API int32_t om_sum(void* group, void* tensor, void** work);
OM_API int32_t om_await(void* work);
/* The values of one process, for all. */
OM_API int32_t om_broadcast(void* group, void* tensor, int32_t from);
/* Short texts and counters that all can see; of what nobody has set, get tells null. */
OM_API int32_t om_store_set(void* group, const char* key, const char* text);
OM_API int32_t om_store_add(void* group, const char* key, int64_t amount, int64_t* value);
OM_API int32_t om_store_get(void* group, const char* key, const char** text);

/* The machine. */
/* Has the process's allocator keep large blocks that are freed instead of giving them back to the system. */
OM_API int32_t om_keep_memory(void);
/* To be called as the process is about to end: it will, with the code it has, but without the destructors of what was made so
 * far. Threads of .NET and of OpenMP may still be within libtorch, which would die under them. */
OM_API int32_t om_end_before_destructors(void);
OM_API int32_t om_set_threads(int32_t count);
OM_API int32_t om_threads(int32_t* count);
OM_API int32_t om_device_count(const char* device, int32_t* count);
/* Waits until a device has done what it was asked. */
OM_API int32_t om_synchronize(const char* device);
/* Bytes of a device's memory that this process has reserved at most; -1 where nobody tells: for the CPU, and by libtorch before 2.9. */
OM_API int32_t om_peak_memory(const char* device, int64_t* bytes);
/* Whether float32 products on tensor cores may round their factors to TensorFloat-32; not at first. For all threads. */
OM_API int32_t om_set_tf32(int32_t allowed);
/* Kernels of our own: 0 none, 1 AVX2, 2 AVX-512, 3 AVX-512 with bfloat16. Those in use, at first the best, and the best
 * that this processor runs; om_use_kernels changes the ones in use, for all threads. */
OM_API int32_t om_kernels(int32_t* in_use, int32_t* best);
OM_API int32_t om_use_kernels(int32_t set);
/* Whether the kernels multiply bfloat16 by the instruction that takes pairs, at first where that is the faster way; else each half as a float32. For all threads. */
OM_API int32_t om_multiplies_pairs(int32_t* pairs);
OM_API int32_t om_multiply_pairs(int32_t pairs);
/* Whether the processor has AMX, which ATen's bfloat16 products use and the kernels' do not. */
OM_API int32_t om_has_amx(int32_t* has);
/* Whether the calling thread leaves bfloat16 to ATen even where there are kernels; not at first. */
OM_API int32_t om_leave_bf16_to_aten(int32_t leave);

#endif
