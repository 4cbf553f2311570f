// Search for several patterns in a text: one thread a position for short ones, Rabin-Karp by segments for a long one,
// hits collected through an atomic cursor and sorted.
#include <algorithm>
#include <string>

#include "case.h"

__constant__ char pattern[64];

__global__ void find_short(const char* text, int length, int pattern_length, int* hits, int* hit_count) {
    int start = blockIdx.x * blockDim.x + threadIdx.x;
    if (start + pattern_length > length) return;
    for (int i = 0; i < pattern_length; i++)
        if (text[start + i] != pattern[i]) return;
    hits[atomicAdd(hit_count, 1)] = start;
}

__global__ void find_rolling(const char* text, int length, int pattern_length, int segment, int* hits, int* hit_count) {
    const unsigned base = 257;
    unsigned wanted = 0, hash = 0, top = 1;
    for (int i = 0; i < pattern_length; i++) {
        wanted = wanted * base + static_cast<unsigned char>(pattern[i]);
        if (i > 0) top *= base;
    }
    int first = (blockIdx.x * blockDim.x + threadIdx.x) * segment;
    int last = min(first + segment, length - pattern_length + 1);
    for (int i = first; i < last; i++) {
        if (i == first)
            for (int k = 0; k < pattern_length; k++) hash = hash * base + static_cast<unsigned char>(text[i + k]);
        else
            hash = (hash - top * static_cast<unsigned char>(text[i - 1])) * base +
                   static_cast<unsigned char>(text[i + pattern_length - 1]);
        if (hash != wanted) continue;
        bool equal = true;
        for (int k = 0; k < pattern_length && equal; k++) equal = text[i + k] == pattern[k];
        if (equal) hits[atomicAdd(hit_count, 1)] = i;
    }
}

int main() {
    const char* words[] = {"warp ", "lane ", "block ", "grid ", "mask ", "war ", "cudacudac "};
    std::string text;
    for (int i = 0; text.size() < 200000; i++) text += words[mix(i) % 7];
    char* text_device = to_device(std::vector<char>(text.begin(), text.end()));
    int length = static_cast<int>(text.size());
    int* hits_device = device_alloc<int>(length);
    int* count_device = device_alloc<int>(1);

    for (std::string wanted : {"a", "war", "warp lane", "cudac", "grid grid grid grid", "lane block mask war war "}) {
        CHECK(cudaMemcpyToSymbol(pattern, wanted.data(), wanted.size()));
        std::vector<int> expected;
        for (size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1))
            expected.push_back(static_cast<int>(at));
        for (int method = 0; method < 2; method++) {
            CHECK(cudaMemset(count_device, 0, sizeof(int)));
            if (method == 0)
                find_short<<<(length + 255) / 256, 256>>>(text_device, length, wanted.size(), hits_device,
                                                          count_device);
            else
                find_rolling<<<(length / 50 + 128) / 128, 128>>>(text_device, length, wanted.size(), 50, hits_device,
                                                                 count_device);
            CHECK_KERNEL();
            std::vector<int> hits = to_host(hits_device, to_host(count_device, 1)[0]);
            std::sort(hits.begin(), hits.end());
            printf("\"%s\" %s: %zu hits %s\n", wanted.c_str(), method ? "rolling" : "direct", hits.size(),
                   hits == expected ? "ok" : "WRONG");
        }
    }
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: "a" direct: 30041 hits ok
// EXPECT: "a" rolling: 30041 hits ok
// EXPECT: "war" direct: 9979 hits ok
// EXPECT: "war" rolling: 9979 hits ok
// EXPECT: "warp lane" direct: 726 hits ok
// EXPECT: "warp lane" rolling: 726 hits ok
// EXPECT: "cudac" direct: 9972 hits ok
// EXPECT: "cudac" rolling: 9972 hits ok
// EXPECT: "grid grid grid grid" direct: 20 hits ok
// EXPECT: "grid grid grid grid" rolling: 20 hits ok
// EXPECT: "lane block mask war war " direct: 3 hits ok
// EXPECT: "lane block mask war war " rolling: 3 hits ok
