// Device heap, alloca-like locals, memcpy and memset.
#include <cstring>
struct List { int value; List *next; };
__global__ void heap(int **out, int n, char *bytes) {
  int *mine = (int *)malloc(sizeof(int) * n);
  if (!mine) return;
  memset(mine, 0, sizeof(int) * n);
  for (int i = 0; i < n; i++) mine[i] = i * threadIdx.x;
  List *head = nullptr;
  for (int i = 0; i < 3; i++) { List *node = new List{i, head}; head = node; }
  int sum = 0;
  while (head) { sum += head->value; List *next = head->next; delete head; head = next; }
  char copy[64]; memcpy(copy, bytes + threadIdx.x, 64); copy[n & 63] ^= 1; memcpy(bytes, copy, 64);
  mine[0] = sum; out[threadIdx.x] = mine;
  if (n > 10) free(mine);
  char *grown = (char *)__builtin_alloca(n); grown[0] = 3; bytes[70] = grown[n - 1];
}
