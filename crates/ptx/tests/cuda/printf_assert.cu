// printf of every kind of argument, assert, trap.
#include <cassert>
#include <cstdio>
__global__ void say(int n, double d, const char *text) {
  printf("plain\n");
  printf("%d %u %x %c %s %f %e %g %lld %p %%\n", n, (unsigned)n, n, 'c', text, d, d * 2, (float)d, (long long)n, text);
  assert(n > 0 && "n is positive");
  if (n == 77) __trap();
}
