// Streams that are captured into graphs: what is captured and what breaks a capture, launches of the graph with changed nodes, and nodes
// that run on a condition: if, if and else, while, switch.
#include "case.h"

__global__ void add(int* values, int summand) { values[threadIdx.x] += summand; }

__global__ void count_down(int* left, int* rounds, cudaGraphConditionalHandle handle) {
    (*rounds)++;
    cudaGraphSetConditional(handle, --*left > 0);
}

__global__ void choose(const int* choice, cudaGraphConditionalHandle handle) { cudaGraphSetConditional(handle, *choice); }

const char* name(cudaError_t error) { return cudaGetErrorName(error); }

void captured(cudaStream_t stream, int* values) {
    cudaStream_t side;
    cudaEvent_t fork, join;
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    CHECK(cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking));
    CHECK(cudaEventCreate(&fork));
    CHECK(cudaEventCreate(&join));
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    add<<<1, 32, 0, stream>>>(values, 1);
    CHECK(cudaEventRecord(fork, stream));
    CHECK(cudaStreamWaitEvent(side, fork, 0));
    add<<<1, 32, 0, side>>>(values + 32, 10);
    CHECK(cudaMemsetAsync(values + 64, 0, 32 * sizeof(int), stream));
    CHECK(cudaEventRecord(join, side));
    CHECK(cudaStreamWaitEvent(stream, join, 0));
    CHECK(cudaMemcpyAsync(values + 64, values + 32, 16 * sizeof(int), cudaMemcpyDeviceToDevice, stream));
    cudaStreamCaptureStatus status;
    CHECK(cudaStreamIsCapturing(side, &status));
    printf("the other stream is captured: %s\n", status == cudaStreamCaptureStatusActive ? "yes" : "no");
    CHECK(cudaStreamEndCapture(stream, &graph));
    size_t nodes = 0, roots = 0;
    CHECK(cudaGraphGetNodes(graph, nullptr, &nodes));
    CHECK(cudaGraphGetRootNodes(graph, nullptr, &roots));
    printf("%zu nodes, %zu of them first\n", nodes, roots);
    CHECK(cudaGraphInstantiate(&executable, graph, 0));
    for (int i = 0; i < 5; i++) CHECK(cudaGraphLaunch(executable, stream));
    CHECK(cudaStreamSynchronize(stream));
    std::vector<int> found = to_host(values, 96);
    printf("after five launches: %d %d %d %d\n", found[0], found[32], found[64], found[80]);

    // One of its kernels gets another argument.
    std::vector<cudaGraphNode_t> list(nodes);
    CHECK(cudaGraphGetRootNodes(graph, list.data(), &roots));
    cudaKernelNodeParams parameters;
    CHECK(cudaGraphKernelNodeGetParams(list[0], &parameters));
    int more = 100;
    void* arguments[] = {&values, &more};
    parameters.kernelParams = arguments;
    CHECK(cudaGraphExecKernelNodeSetParams(executable, list[0], &parameters));
    CHECK(cudaGraphLaunch(executable, stream));
    CHECK(cudaStreamSynchronize(stream));
    printf("with another argument: %d\n", to_host(values, 1)[0]);
    CHECK(cudaGraphExecDestroy(executable));
    CHECK(cudaGraphDestroy(graph));
    CHECK(cudaStreamDestroy(side));
}

void broken(cudaStream_t stream, int* values) {
    cudaGraph_t graph = nullptr;
    void* memory = nullptr;
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    add<<<1, 32, 0, stream>>>(values, 1);
    printf("synchronised while it is captured: %s\n", name(cudaStreamSynchronize(stream)));
    printf("ended: %s, graph %s\n", name(cudaStreamEndCapture(stream, &graph)), graph ? "made" : "none");
    cudaGetLastError();
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    printf("allocated while something is captured: %s\n", name(cudaMalloc(&memory, 64)));
    printf("ended: %s\n", name(cudaStreamEndCapture(stream, &graph)));
    cudaGetLastError();
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
    printf("the same, relaxed: %s\n", name(cudaMalloc(&memory, 64)));
    add<<<1, 32>>>(values, 1);
    printf("launched into the default stream: %s\n", name(cudaGetLastError()));
    printf("ended: %s\n", name(cudaStreamEndCapture(stream, &graph)));
    printf("ended again: %s\n", name(cudaStreamEndCapture(stream, &graph)));
    cudaGetLastError();
    CHECK(cudaFree(memory));
    printf("the stream works: %s\n", name(cudaStreamSynchronize(stream)));
}

cudaGraphNode_t conditional(cudaGraph_t graph, const cudaGraphNode_t* after, cudaGraphConditionalHandle handle,
                            cudaGraphConditionalNodeType type, unsigned bodies, cudaGraph_t* body) {
    cudaGraphNodeParams parameters = {};
    parameters.type = cudaGraphNodeTypeConditional;
    parameters.conditional.handle = handle;
    parameters.conditional.type = type;
    parameters.conditional.size = bodies;
    cudaGraphNode_t node;
    CHECK(cudaGraphAddNode(&node, graph, after, nullptr, after ? 1 : 0, &parameters));
    for (unsigned i = 0; i < bodies; i++) body[i] = parameters.conditional.phGraph_out[i];
    return node;
}

cudaGraphNode_t kernel(cudaGraph_t graph, void* function, unsigned threads, void** arguments) {
    cudaKernelNodeParams parameters = {};
    parameters.func = function;
    parameters.gridDim = dim3(1);
    parameters.blockDim = dim3(threads);
    parameters.kernelParams = arguments;
    cudaGraphNode_t node;
    CHECK(cudaGraphAddKernelNode(&node, graph, nullptr, 0, &parameters));
    return node;
}

void run(cudaGraph_t graph, cudaStream_t stream) {
    cudaGraphExec_t executable;
    CHECK(cudaGraphInstantiate(&executable, graph, 0));
    CHECK(cudaGraphLaunch(executable, stream));
    CHECK(cudaStreamSynchronize(stream));
    CHECK(cudaGraphExecDestroy(executable));
    CHECK(cudaGraphDestroy(graph));
}

void loop(cudaStream_t stream, int times) {
    int* state = to_device(std::vector<int>{times, 0});
    int* rounds = state + 1;
    cudaGraph_t graph, body;
    cudaGraphConditionalHandle handle;
    CHECK(cudaGraphCreate(&graph, 0));
    CHECK(cudaGraphConditionalHandleCreate(&handle, graph, 1, cudaGraphCondAssignDefault));
    conditional(graph, nullptr, handle, cudaGraphCondTypeWhile, 1, &body);
    void* arguments[] = {&state, &rounds, &handle};
    kernel(body, reinterpret_cast<void*>(count_down), 1, arguments);
    run(graph, stream);
    printf("while: %d rounds\n", to_host(state, 2)[1]);
}

void branches(cudaStream_t stream, cudaGraphConditionalNodeType type, unsigned bodies, int choice) {
    int* values = to_device(std::vector<int>{choice, 0});
    int* result = values + 1;
    cudaGraph_t graph, body[4];
    cudaGraphConditionalHandle handle;
    CHECK(cudaGraphCreate(&graph, 0));
    CHECK(cudaGraphConditionalHandleCreate(&handle, graph, 0, 0));
    void* first[] = {&values, &handle};
    cudaGraphNode_t chooses = kernel(graph, reinterpret_cast<void*>(choose), 1, first);
    conditional(graph, &chooses, handle, type, bodies, body);
    for (unsigned i = 0; i < bodies; i++) {
        int summand = 1000 + i;
        void* arguments[] = {&result, &summand};
        kernel(body[i], reinterpret_cast<void*>(add), 1, arguments);
    }
    run(graph, stream);
    printf("%s of %u, %d: %d\n", type == cudaGraphCondTypeIf ? "if" : "switch", bodies, choice, to_host(values, 2)[1]);
}

int main() {
    cudaStream_t stream;
    CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    int* values = device_zeros<int>(96);
    captured(stream, values);
    broken(stream, values);
    loop(stream, 7);
    for (int choice : {0, 1}) branches(stream, cudaGraphCondTypeIf, 1, choice);
    for (int choice : {0, 1}) branches(stream, cudaGraphCondTypeIf, 2, choice);
    for (int choice : {0, 2, 3, 9}) branches(stream, cudaGraphCondTypeSwitch, 4, choice);
    return 0;
}

// EXPECT-EXIT: 0
// EXPECT: the other stream is captured: yes
// EXPECT: 4 nodes, 1 of them first
// EXPECT: after five launches: 5 50 50 0
// EXPECT: with another argument: 105
// EXPECT: synchronised while it is captured: cudaErrorStreamCaptureUnsupported
// EXPECT: ended: cudaErrorStreamCaptureInvalidated, graph none
// EXPECT: allocated while something is captured: cudaErrorStreamCaptureUnsupported
// EXPECT: ended: cudaErrorStreamCaptureInvalidated
// EXPECT: the same, relaxed: cudaSuccess
// EXPECT: launched into the default stream: cudaSuccess
// EXPECT: ended: cudaSuccess
// EXPECT: ended again: cudaErrorIllegalState
// EXPECT: the stream works: cudaSuccess
// EXPECT: while: 7 rounds
// EXPECT: if of 1, 0: 0
// EXPECT: if of 1, 1: 1000
// EXPECT: if of 2, 0: 1001
// EXPECT: if of 2, 1: 1000
// EXPECT: switch of 4, 0: 1000
// EXPECT: switch of 4, 2: 1002
// EXPECT: switch of 4, 3: 1003
// EXPECT: switch of 4, 9: 0
