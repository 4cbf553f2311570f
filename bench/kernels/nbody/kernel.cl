// The acceleration of each body by all bodies, whose positions pass through local memory a tile at a time.
#define BLOCK 256
#define SOFTENING 1e-3f

__kernel void nbody(int count, __global const float4* bodies, __global float4* accelerations) {
    __local float4 tile[BLOCK];
    size_t i = get_global_id(0), local_id = get_local_id(0);
    float4 body = bodies[i];
    float ax = 0.0f, ay = 0.0f, az = 0.0f;
    for (int start = 0; start < count; start += BLOCK) {
        tile[local_id] = bodies[start + local_id];
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int j = 0; j < BLOCK; j++) {
            float dx = tile[j].x - body.x, dy = tile[j].y - body.y, dz = tile[j].z - body.z;
            float inverse = rsqrt(dx * dx + dy * dy + dz * dz + SOFTENING);
            float strength = tile[j].w * inverse * inverse * inverse;
            ax += dx * strength;
            ay += dy * strength;
            az += dz * strength;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    accelerations[i] = (float4)(ax, ay, az, 0.0f);
}
