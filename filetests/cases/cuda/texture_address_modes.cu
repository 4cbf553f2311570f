// An array with each address mode: normalised coordinates from two sizes before the image to two behind it, at the texels' middles;
// and a border with a colour.
#include "case.h"

constexpr int width = 32, height = 16;

__global__ void sample(cudaTextureObject_t texture, float4* output) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y;
    float u = (x - 2 * width + 0.5f) / width, v = (y - 2 * height + 0.5f) / height;
    output[y * 5 * width + x] = tex2D<float4>(texture, u, v);
}

int wrap(int i, int size) { return (i % size + size) % size; }

int mirror(int i, int size) {
    int m = wrap(i, 2 * size);
    return m < size ? m : 2 * size - 1 - m;
}

int clamp(int i, int size) { return i < 0 ? 0 : i >= size ? size - 1 : i; }

// The index of the texel that is meant; -1 for the border.
int place(cudaTextureAddressMode mode, int i, int size) {
    switch (mode) {
        case cudaAddressModeWrap: return wrap(i, size);
        case cudaAddressModeMirror: return mirror(i, size);
        case cudaAddressModeClamp: return clamp(i, size);
        default: return i < 0 || i >= size ? -1 : i;
    }
}

int main() {
    std::vector<float4> image(width * height);
    for (int i = 0; i < width * height; i++) {
        uint32_t bits = mix(i);
        image[i] = make_float4(bits & 255, bits >> 8 & 255, bits >> 16 & 255, bits >> 24);
    }
    cudaArray_t array;
    cudaChannelFormatDesc format = cudaCreateChannelDesc<float4>();
    CHECK(cudaMallocArray(&array, &format, width, height));
    CHECK(cudaMemcpy2DToArray(array, 0, 0, image.data(), width * sizeof(float4), width * sizeof(float4), height,
                              cudaMemcpyHostToDevice));
    float4* output = device_zeros<float4>(25 * width * height);
    const cudaTextureAddressMode modes[] = {cudaAddressModeWrap, cudaAddressModeClamp, cudaAddressModeMirror,
                                            cudaAddressModeBorder};
    const char* names[] = {"wrap", "clamp", "mirror", "border"};
    for (int m = 0; m < 4; m++)
        for (int n = 0; n < 4; n++) {
            cudaResourceDesc resource = {};
            resource.resType = cudaResourceTypeArray;
            resource.res.array.array = array;
            cudaTextureDesc description = {};
            description.addressMode[0] = modes[m];
            description.addressMode[1] = modes[n];
            description.readMode = cudaReadModeElementType;
            description.normalizedCoords = 1;
            for (int c = 0; c < 4; c++) description.borderColor[c] = 1000.0f + c;
            cudaTextureObject_t texture;
            CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr));
            sample<<<dim3(5, 5 * height), width>>>(texture, output);
            CHECK_KERNEL();
            std::vector<float4> got = to_host(output, 25 * width * height), expected(got.size());
            for (int y = 0; y < 5 * height; y++)
                for (int x = 0; x < 5 * width; x++) {
                    int i = place(modes[m], x - 2 * width, width), j = place(modes[n], y - 2 * height, height);
                    bool outside = i < 0 || j < 0;
                    expected[y * 5 * width + x] =
                        outside ? make_float4(1000, 1001, 1002, 1003) : image[j * width + i];
                }
            printf("%s, %s: %016llx, mismatches %d\n", names[m], names[n], (unsigned long long)checksum(got),
                   mismatches(got, expected));
            CHECK(cudaDestroyTextureObject(texture));
        }
    CHECK(cudaFreeArray(array));
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: wrap, wrap: b32607780a042b7d, mismatches 0
// EXPECT: wrap, clamp: 26a909c040de213d, mismatches 0
// EXPECT: wrap, mirror: ec6eb95de289c61d, mismatches 0
// EXPECT: wrap, border: 932145ecd974e53d, mismatches 0
// EXPECT: clamp, wrap: 10567f9c2f52e54d, mismatches 0
// EXPECT: clamp, clamp: 999cb79e1a72830d, mismatches 0
// EXPECT: clamp, mirror: b0f176b50a245fed, mismatches 0
// EXPECT: clamp, border: 0e7cc7b204cb770d, mismatches 0
// EXPECT: mirror, wrap: f7f2a957d15eab9d, mismatches 0
// EXPECT: mirror, clamp: c23122a121376edd, mismatches 0
// EXPECT: mirror, mirror: 2cc395a6d705dbfd, mismatches 0
// EXPECT: mirror, border: c6d5aefb3966c4dd, mismatches 0
// EXPECT: border, wrap: 4b989d226d5d80cd, mismatches 0
// EXPECT: border, clamp: 595517be042c0e8d, mismatches 0
// EXPECT: border, mirror: 76405db35234b76d, mismatches 0
// EXPECT: border, border: 75934b5a2616828d, mismatches 0
