// Answers questions about occupancy with NVIDIA's public header `cuda_occupancy.h`: one question a line on the standard
// input, one answer a line on the standard output. The test `tests/occupancy.rs` writes the questions.
//
// Question, numbers with blanks between:
//   device: capability major, minor, threads a block, threads a multiprocessor, registers a block, registers a
//           multiprocessor, shared memory a block, a multiprocessor, opted in, reserved, multiprocessors
//   kernel: most threads a block, registers a thread, static shared memory, opts in, carveout, barriers
//   launch: threads a block, dynamic shared memory, dynamic shared memory per thread, blocks that are to be resident
// Answer: active blocks, limiting factors, limits by registers, shared memory, warps, blocks and barriers, registers and
//   shared memory of a block, suggested block size, its grid, available dynamic shared memory or -1.
#include <cstdio>
#include <climits>
#include <cstddef>
#include <cuda_occupancy.h>

int main() {
    cudaOccDeviceProp device;
    cudaOccFuncAttributes kernel;
    cudaOccDeviceState state;
    int opts_in, threads, resident;
    size_t dynamic, per_thread;
    device.warpSize = 32;
    while (scanf("%d %d %d %d %d %d %zu %zu %zu %zu %d", &device.computeMajor, &device.computeMinor,
                 &device.maxThreadsPerBlock, &device.maxThreadsPerMultiprocessor, &device.regsPerBlock,
                 &device.regsPerMultiprocessor, &device.sharedMemPerBlock, &device.sharedMemPerMultiprocessor,
                 &device.sharedMemPerBlockOptin, &device.reservedSharedMemPerBlock, &device.numSms) == 11 &&
           scanf("%d %d %zu %d %d %d", &kernel.maxThreadsPerBlock, &kernel.numRegs, &kernel.sharedSizeBytes, &opts_in,
                 &state.carveoutConfig, &kernel.numBlockBarriers) == 6 &&
           scanf("%d %zu %zu %d", &threads, &dynamic, &per_thread, &resident) == 4) {
        kernel.shmemLimitConfig = opts_in ? FUNC_SHMEM_LIMIT_OPTIN : FUNC_SHMEM_LIMIT_DEFAULT;
        kernel.maxDynamicSharedSizeBytes = device.sharedMemPerBlockOptin;
        cudaOccResult result = {};
        cudaOccError error = cudaOccMaxActiveBlocksPerMultiprocessor(&result, &device, &kernel, &state, threads, dynamic);
        int grid = 0, block = 0;
        cudaOccError error_of_size = cudaOccMaxPotentialOccupancyBlockSizeVariableSMem(
            &grid, &block, &device, &kernel, &state, [=](int block) { return dynamic + per_thread * block; });
        size_t available = 0;
        cudaOccError error_of_available =
            cudaOccAvailableDynamicSMemPerBlock(&available, &device, &kernel, &state, resident, threads);
        if (error) {
            printf("error %d\n", error);
            continue;
        }
        // Where barriers are the limit, the header still names what would be the limit without them: that is taken out.
        if (result.blockLimitBarriers == result.activeBlocksPerMultiprocessor) {
            const int limits[] = {result.blockLimitWarps, result.blockLimitRegs, result.blockLimitSharedMem,
                                  result.blockLimitBlocks};
            for (int factor = 0; factor < 4; factor++)
                if (limits[factor] > result.activeBlocksPerMultiprocessor) result.limitingFactors &= ~(1u << factor);
        }
        printf("%d %u %d %d %d %d %d %d %zu ", result.activeBlocksPerMultiprocessor, result.limitingFactors,
               result.blockLimitRegs, result.blockLimitSharedMem, result.blockLimitWarps, result.blockLimitBlocks,
               result.blockLimitBarriers, result.allocatedRegistersPerBlock, result.allocatedSharedMemPerBlock);
        printf("%d %d ", error_of_size ? -1 : block, error_of_size ? -1 : grid);
        printf("%lld\n", error_of_available ? -1LL : (long long)available);
    }
}
