// Loops, switches, goto, irreducible flow, early exits.
__global__ void control(int *data, int n) {
  int t = threadIdx.x, v = data[t];
  switch (v) {
    case 0: v = 5; break; case 1: v = 7; case 2: v += 1; break; case 3: v *= 3; break; case 4: v -= t; break;
    case 5: v ^= n; break; case 6: v = ~v; break; case 7: v |= 8; break; case 8: v = data[t + 8]; break; default: v = 0;
  }
  for (int i = 0; i < n; i++) { if (data[i] == t) continue; if (data[i] > 100) break; v += data[i]; }
  if (v & 1) goto middle;
top: v += 3; if (v > 1000) return;
middle: v *= 2; if (v < n) goto top;
  do { v = v & 1 ? 3 * v + 1 : v / 2; } while (v != 1 && v < 100000);
  while (atomicCAS(data + 500, 0, 1) != 0) {}
  data[501] += v; __threadfence(); atomicExch(data + 500, 0);
  data[t] = v;
}
