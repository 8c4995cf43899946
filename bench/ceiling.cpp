// GFLOP/s of multiply-adds on values in registers, all cores at once: what no matrix product on this machine can exceed.
// Prints "fp32 X" and, where the processor multiplies bfloat16 (AVX512-BF16), "bf16 Y". x86-64 with AVX2 or AVX-512.
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

namespace {

// Assembly, because compilers keep such sums in memory or leave them out. The sums hide the latency of an instruction: two units
// of four to six cycles each; twelve are all that AVX2 has registers for. The factors are zero; the time does not depend on the values.
#define SUM(instruction, bits, number) instruction " %%" bits "14, %%" bits "15, %%" bits number "\n"
#define FOUR(instruction, bits, a, b, c, d) \
  SUM(instruction, bits, a) SUM(instruction, bits, b) SUM(instruction, bits, c) SUM(instruction, bits, d)
#define TWELVE(instruction, bits)                                                            \
  FOUR(instruction, bits, "0", "1", "2", "3") FOUR(instruction, bits, "4", "5", "6", "7") \
  FOUR(instruction, bits, "8", "9", "10", "11")
#define TWENTY_FOUR(instruction)                                                                              \
  TWELVE(instruction, "zmm") FOUR(instruction, "zmm", "16", "17", "18", "19")                               \
  FOUR(instruction, "zmm", "20", "21", "22", "23") FOUR(instruction, "zmm", "24", "25", "26", "27")

constexpr long rounds = 5'000'000;

#define REGISTERS                                                                                                   \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm14", "xmm15"
#define MORE_REGISTERS                                                                                              \
  "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27"

void multiply_avx2() {
  asm volatile("vzeroall" ::: REGISTERS, "xmm12", "xmm13");
  for (long round = 0; round < rounds; ++round) asm volatile(TWELVE("vfmadd231ps", "ymm") ::: REGISTERS);
}

__attribute__((target("avx512f"))) void multiply_avx512() {
  asm volatile("vzeroall" ::: REGISTERS, "xmm12", "xmm13");
  for (long round = 0; round < rounds; ++round) asm volatile(TWENTY_FOUR("vfmadd231ps") ::: REGISTERS, MORE_REGISTERS);
}

__attribute__((target("avx512f"))) void multiply_bf16() {
  asm volatile("vzeroall" ::: REGISTERS, "xmm12", "xmm13");
  for (long round = 0; round < rounds; ++round) asm volatile(TWENTY_FOUR("vdpbf16ps") ::: REGISTERS, MORE_REGISTERS);
}

int cores() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

// The best of ten: whatever else runs can only make it slower.
void report(const char* name, void (*multiply)(), double operations_per_round) {
  double best = 0;
  for (int repetition = 0; repetition < 10; ++repetition) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (int core = 0; core < cores(); ++core) threads.emplace_back(multiply);
    for (auto& thread : threads) thread.join();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    best = std::max(best, cores() * double(rounds) * operations_per_round / seconds / 1e9);
  }
  std::printf("%s %.0f\n", name, best);
}

}  // namespace

int main() {
  if (__builtin_cpu_supports("avx512f")) {
    report("fp32", multiply_avx512, 24 * 2 * 16);
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    report("fp32", multiply_avx2, 12 * 2 * 8);
  }
  if (__builtin_cpu_supports("avx512bf16")) report("bf16", multiply_bf16, 24 * 2 * 32);
}
