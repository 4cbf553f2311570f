// malloc, free, new and delete in kernels: memory of different sizes at once, reuse, lists and trees that outlive the
// kernel that made them, and a heap that runs out.
#include "case.h"

struct Node {
    int key, count;
    Node *left, *right;
};

__device__ Node* insert(Node* root, int key) {
    Node* fresh = new Node{key, 1, nullptr, nullptr};
    if (root == nullptr) return fresh;
    for (Node* node = root;;) {
        if (node->key == key) {
            node->count++;
            delete fresh;
            return root;
        }
        Node*& next = key < node->key ? node->left : node->right;
        if (next == nullptr) {
            next = fresh;
            return root;
        }
        node = next;
    }
}

__global__ void build(Node** roots, int keys) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    Node* root = nullptr;
    for (int k = 0; k < keys; k++) root = insert(root, mix(i * 1000 + k) % 40);
    roots[i] = root;
}

// In-order walk with an explicit stack that is itself from the heap; frees the tree on the way.
__global__ void consume(Node** roots, int* distinct, unsigned* hashes) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    Node** stack = static_cast<Node**>(malloc(64 * sizeof(Node*)));
    int depth = 0, nodes = 0;
    unsigned hash = 0;
    for (Node* node = roots[i]; node != nullptr || depth > 0;) {
        while (node != nullptr) {
            stack[depth++] = node;
            node = node->left;
        }
        node = stack[--depth];
        hash = hash * 31 + node->key * 100 + node->count;
        nodes++;
        Node* right = node->right;
        delete node;
        node = right;
    }
    free(stack);
    distinct[i] = nodes;
    hashes[i] = hash;
}

__global__ void sizes(int* wrong) {
    int i = threadIdx.x;
    for (int round = 0; round < 5; round++) {
        int bytes = 1 + (i * 37 + round * 101) % 700;
        unsigned char* memory = static_cast<unsigned char*>(malloc(bytes));
        if (memory == nullptr || reinterpret_cast<size_t>(memory) % 16 != 0) {
            atomicAdd(wrong, 1);
            continue;
        }
        memset(memory, i, bytes);
        __syncthreads();
        for (int k = 0; k < bytes; k++)
            if (memory[k] != (i & 255)) atomicAdd(wrong, 1);
        free(memory);
    }
    free(nullptr);
}

__global__ void exhaust(int* results) {
    results[0] = malloc(size_t(1) << 40) == nullptr;
    void* after = malloc(100);
    results[1] = after != nullptr;
    free(after);
}

int main() {
    CHECK(cudaDeviceSetLimit(cudaLimitMallocHeapSize, 16 << 20));
    const int threads = 256, keys = 60;
    Node** roots = device_zeros<Node*>(threads);
    int* distinct = device_zeros<int>(threads);
    unsigned* hashes = device_zeros<unsigned>(threads);
    build<<<4, 64>>>(roots, keys);
    consume<<<2, 128>>>(roots, distinct, hashes);
    CHECK_KERNEL();
    std::vector<unsigned> hash = to_host(hashes, threads), expected(threads, 0);
    std::vector<int> nodes = to_host(distinct, threads);
    long long total = 0;
    for (int i = 0; i < threads; i++) {
        int counts[40] = {};
        for (int k = 0; k < keys; k++) counts[mix(i * 1000 + k) % 40]++;
        for (int key = 0; key < 40; key++)
            if (counts[key]) expected[i] = expected[i] * 31 + key * 100 + counts[key];
        total += nodes[i];
    }
    printf("nodes %lld, mismatches %d\n", total, mismatches(hash, expected));

    int* wrong = device_zeros<int>(2);
    sizes<<<1, 128>>>(wrong);
    CHECK_KERNEL();
    printf("sizes: wrong %d\n", to_host(wrong, 1)[0]);
    exhaust<<<1, 1>>>(wrong);
    CHECK_KERNEL();
    std::vector<int> results = to_host(wrong, 2);
    printf("too much is refused: %d, a little afterwards works: %d\n", results[0], results[1]);
    size_t heap = 0;
    CHECK(cudaDeviceGetLimit(&heap, cudaLimitMallocHeapSize));
    printf("heap limit kept: %s\n", heap >= 16 << 20 ? "yes" : "no");
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: nodes 7954, mismatches 0
// EXPECT: sizes: wrong 0
// EXPECT: too much is refused: 1, a little afterwards works: 1
// EXPECT: heap limit kept: yes
