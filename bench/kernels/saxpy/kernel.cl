// y = a x + y, an element a work item.
__kernel void saxpy(int count, float a, __global const float* x, __global float* y) {
    size_t i = get_global_id(0);
    if (i < count) y[i] = a * x[i] + y[i];
}
