// __managed__ variables and cudaMallocManaged: the same pointers on both sides, a linked structure shared by host and
// device, advice and prefetch calls.
#include "case.h"

__managed__ int launches = 5;
__managed__ double table[16] = {1.5, 2.5};

struct Node {
    int value;
    Node* next;
};

__global__ void count_launch() { launches++; }

__global__ void sum_list(const Node* head, long long* sum) {
    for (const Node* node = head; node != nullptr; node = node->next) *sum += node->value;
}

__global__ void reverse_list(Node** head) {
    Node* reversed = nullptr;
    for (Node* node = *head; node != nullptr;) {
        Node* next = node->next;
        node->next = reversed;
        reversed = node;
        node = next;
    }
    *head = reversed;
}

__global__ void square(double* values) {
    values[threadIdx.x] = values[threadIdx.x] * values[threadIdx.x] + threadIdx.x;
}

int main() {
    count_launch<<<1, 1>>>();
    count_launch<<<1, 1>>>();
    CHECK_KERNEL();
    launches += 100;
    count_launch<<<1, 1>>>();
    CHECK_KERNEL();
    printf("launches %d\n", launches);

    table[2] = 3.5;
    square<<<1, 16>>>(table);
    CHECK_KERNEL();
    printf("table %.4f %.4f %.4f %.4f %.4f\n", table[0], table[1], table[2], table[3], table[15]);

    const int count = 1000;
    Node* nodes;
    Node** head;
    long long* sum;
    CHECK(cudaMallocManaged(&nodes, count * sizeof(Node)));
    CHECK(cudaMallocManaged(&head, sizeof(Node*)));
    CHECK(cudaMallocManaged(&sum, sizeof(long long)));
    long long expected = 0;
    // Linked in a scattered order: node (i * 617) mod 1000 follows node ((i - 1) * 617) mod 1000.
    for (int i = 0; i < count; i++) {
        Node& node = nodes[i * 617 % count];
        node.value = static_cast<int>(mix(i) % 10007);
        node.next = i + 1 < count ? &nodes[(i + 1) * 617 % count] : nullptr;
        expected += node.value;
    }
    *head = &nodes[0];
    *sum = 0;
    sum_list<<<1, 1>>>(*head, sum);
    CHECK_KERNEL();
    printf("list sum %lld, expected %lld\n", *sum, expected);

    reverse_list<<<1, 1>>>(head);
    CHECK_KERNEL();
    int length = 0;
    bool starts_at_tail = *head == &nodes[(count - 1) * 617 % count];
    for (Node* node = *head; node != nullptr; node = node->next) length++;
    printf("reversed: length %d, starts at the old tail: %s\n", length, starts_at_tail ? "yes" : "no");

    cudaPointerAttributes attributes;
    CHECK(cudaPointerGetAttributes(&attributes, nodes));
    printf("type is managed: %s\n", attributes.type == cudaMemoryTypeManaged ? "yes" : "no");
    CHECK(cudaFree(nodes));
    CHECK(cudaFree(head));
    CHECK(cudaFree(sum));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: launches 108
// EXPECT: table 2.2500 7.2500 14.2500 3.0000 15.0000
// EXPECT: list sum 5076272, expected 5076272
// EXPECT: reversed: length 1000, starts at the old tail: yes
// EXPECT: type is managed: yes
