// GFLOP/s of multiply-adds on values in registers, all cores at once: what no matrix product on this machine can exceed.
// Prints "fp32 X" and, where the processor multiplies bfloat16 (AVX512-BF16), "bf16 Y". x86-64 with AVX2 or AVX-512.
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

namespace {

// Assembly, because compilers keep such sums in memory or leave them out. Twelve sums hide the latency of an instruction:
// two units of four or five cycles. The factors are zero; the time does not depend on the values.
#define ROUND(instruction, bits)                                                                              \
  instruction " %%" bits "14, %%" bits "15, %%" bits "0\n" instruction " %%" bits "14, %%" bits "15, %%" bits "1\n"   \
  instruction " %%" bits "14, %%" bits "15, %%" bits "2\n" instruction " %%" bits "14, %%" bits "15, %%" bits "3\n"   \
  instruction " %%" bits "14, %%" bits "15, %%" bits "4\n" instruction " %%" bits "14, %%" bits "15, %%" bits "5\n"   \
  instruction " %%" bits "14, %%" bits "15, %%" bits "6\n" instruction " %%" bits "14, %%" bits "15, %%" bits "7\n"   \
  instruction " %%" bits "14, %%" bits "15, %%" bits "8\n" instruction " %%" bits "14, %%" bits "15, %%" bits "9\n"   \
  instruction " %%" bits "14, %%" bits "15, %%" bits "10\n" instruction " %%" bits "14, %%" bits "15, %%" bits "11\n"

constexpr int chains = 12;
constexpr long rounds = 10'000'000;

#define REGISTERS                                                                                                         \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm14", "xmm15"

void multiply_avx2() {
  asm volatile("vzeroall" ::: REGISTERS, "xmm12", "xmm13");
  for (long round = 0; round < rounds; ++round) asm volatile(ROUND("vfmadd231ps", "ymm") ::: REGISTERS);
}

void multiply_avx512() {
  asm volatile("vzeroall" ::: REGISTERS, "xmm12", "xmm13");
  for (long round = 0; round < rounds; ++round) asm volatile(ROUND("vfmadd231ps", "zmm") ::: REGISTERS);
}

void multiply_bf16() {
  asm volatile("vzeroall" ::: REGISTERS, "xmm12", "xmm13");
  for (long round = 0; round < rounds; ++round) asm volatile(ROUND("vdpbf16ps", "zmm") ::: REGISTERS);
}

int cores() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

// The best of ten: whatever else runs can only make it slower.
void report(const char* name, void (*multiply)(), double operations_per_instruction) {
  double best = 0;
  for (int repetition = 0; repetition < 10; ++repetition) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (int core = 0; core < cores(); ++core) threads.emplace_back(multiply);
    for (auto& thread : threads) thread.join();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    best = std::max(best, cores() * double(rounds) * chains * operations_per_instruction / seconds / 1e9);
  }
  std::printf("%s %.0f\n", name, best);
}

}  // namespace

int main() {
  if (__builtin_cpu_supports("avx512f")) {
    report("fp32", multiply_avx512, 2 * 16);
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    report("fp32", multiply_avx2, 2 * 8);
  }
  if (__builtin_cpu_supports("avx512bf16")) report("bf16", multiply_bf16, 2 * 32);
}
