// Shared memory of the other blocks of a cluster, by the instructions for it: mapa and getctarank in both windows, loads, stores and
// atomics, barriers in another block's memory, bulk copies to another block and to several at once.
#include "case.h"

constexpr int blocks = 4, threads = 64, words = 64;

__device__ uint32_t shared_address(const void* pointer) { return static_cast<uint32_t>(__cvta_generic_to_shared(pointer)); }

__device__ uint32_t in_block(uint32_t address, uint32_t rank) {
    uint32_t mapped;
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(mapped) : "r"(address), "r"(rank));
    return mapped;
}

__device__ void cluster_sync() {
    asm volatile("barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;" ::: "memory");
}

__device__ void wait_for(uint32_t barrier, uint32_t phase) {
    asm volatile("{\n.reg .pred p;\nagain:\nmbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%0], %1;\n@!p bra again;\n}"
                 :: "r"(barrier), "r"(phase) : "memory");
}

__global__ void __cluster_dims__(blocks) talk(const uint32_t* source, uint32_t* out) {
    __shared__ alignas(128) uint32_t own[words], copied[words], many[words];
    __shared__ uint32_t counter, mailbox[blocks];
    __shared__ alignas(8) uint64_t arrivals, copies, multicasts;
    uint32_t rank, lane = threadIdx.x;
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    uint32_t next = (rank + 1) % blocks;
    own[lane] = rank * 1000 + lane;
    if (lane == 0) {
        counter = 0;
        asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(shared_address(&arrivals)), "r"(blocks - 1));
        asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" :: "r"(shared_address(&copies)));
        asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" :: "r"(shared_address(&multicasts)));
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(shared_address(&copies)), "r"(words * 4));
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(shared_address(&multicasts)), "r"(words * 4));
    }
    asm volatile("fence.mbarrier_init.release.cluster;\nfence.proxy.async;" ::: "memory");
    __syncthreads();
    cluster_sync();

    // Every thread reads the next block's word, and adds to the next block's counter.
    uint32_t read, generic_read, before, home, generic_home;
    asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(read) : "r"(in_block(shared_address(own + lane), next)));
    asm volatile("atom.shared::cluster.add.u32 %0, [%1], 1;" : "=r"(before) : "r"(in_block(shared_address(&counter), next)));
    asm("getctarank.shared::cluster.u32 %0, %1;" : "=r"(home) : "r"(in_block(shared_address(own), next)));
    uint64_t pointer;
    asm("mapa.u64 %0, %1, %2;" : "=l"(pointer) : "l"(own + lane), "r"(next));
    asm volatile("ld.u32 %0, [%1];" : "=r"(generic_read) : "l"(pointer) : "memory");
    asm("getctarank.u64 %0, %1;" : "=r"(generic_home) : "l"(pointer));
    uint32_t is_cluster, is_own;
    asm("{\n.reg .pred p, q;\nisspacep.shared::cluster p, %2;\nisspacep.shared::cta q, %2;\nselp.u32 %0, 1, 0, p;\nselp.u32 %1, 1, 0, q;\n}"
        : "=r"(is_cluster), "=r"(is_own) : "l"(pointer));

    // Every block writes into the mailboxes of the others, and arrives at their barriers.
    if (lane < blocks && lane != rank) {
        asm volatile("st.shared::cluster.u32 [%0], %1;" :: "r"(in_block(shared_address(mailbox + rank), lane)), "r"(rank * 10 + lane) : "memory");
        asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0];" :: "r"(in_block(shared_address(&arrivals), lane)) : "memory");
    }
    if (lane == rank) mailbox[rank] = rank * 11;
    wait_for(shared_address(&arrivals), 0);
    __syncthreads();
    uint32_t mail = mailbox[lane % blocks];

    // A copy into the next block; and one from global memory into all of them, begun by block 2.
    if (lane == 0) {
        asm volatile("cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];"
                     :: "r"(in_block(shared_address(copied), next)), "r"(shared_address(own)), "r"(words * 4),
                        "r"(in_block(shared_address(&copies), next)) : "memory");
        if (rank == 2)
            asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], %2, [%3], %4;"
                         :: "r"(shared_address(many)), "l"(source), "r"(words * 4), "r"(shared_address(&multicasts)),
                            "h"(static_cast<uint16_t>((1 << blocks) - 1)) : "memory");
    }
    wait_for(shared_address(&copies), 0);
    wait_for(shared_address(&multicasts), 0);
    uint32_t result = read + 3 * generic_read + 5 * home + 7 * generic_home + 11 * is_cluster + 13 * is_own + 17 * mail +
                      19 * copied[lane] + 23 * many[lane] + (before < threads ? 29 : 0);
    cluster_sync();
    out[(blockIdx.x * threads + lane) * 2] = result;
    out[(blockIdx.x * threads + lane) * 2 + 1] = counter;
}

int main() {
    const int grid = 8;
    std::vector<uint32_t> source(words);
    for (int i = 0; i < words; i++) source[i] = mix(i) % 1000;
    uint32_t* out = device_zeros<uint32_t>(grid * threads * 2);
    talk<<<grid, threads>>>(to_device(source), out);
    CHECK_KERNEL();
    std::vector<uint32_t> got = to_host(out, grid * threads * 2);
    int wrong = 0;
    unsigned long long sum = 0;
    for (int block = 0; block < grid; block++)
        for (int lane = 0; lane < threads; lane++) {
            uint32_t rank = block % blocks, next = (rank + 1) % blocks, previous = (rank + blocks - 1) % blocks;
            uint32_t from = lane % blocks, mail = from == rank ? rank * 11 : from * 10 + rank;
            uint32_t expected = 4 * (next * 1000 + lane) + 12 * next + 11 + 17 * mail + 19 * (previous * 1000 + lane) +
                                23 * source[lane] + 29;
            const uint32_t* pair = &got[(block * threads + lane) * 2];
            if (pair[0] != expected || pair[1] != threads) {
                if (wrong++ < 3) printf("block %d lane %d: %u, %u, not %u\n", block, lane, pair[0], pair[1], expected);
            }
            sum += pair[0];
        }
    printf("wrong %d, sum %llu\n", wrong, sum);
    return 0;
}

// RUN: nvcc -arch=compute_90
// EXPECT-EXIT: 0
// EXPECT: wrong 0, sum 24225792
