// Recursion, mutual recursion, deep stacks.
__device__ __noinline__ int ackermann(int m, int n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}
__device__ int odd(int n);
__device__ __noinline__ int even(int n) { return n == 0 ? 1 : odd(n - 1); }
__device__ __noinline__ int odd(int n) { return n == 0 ? 0 : even(n - 1); }
struct Node { int value; Node *left, *right; };
__device__ long long tree_sum(const Node *node) {
  return node ? node->value + tree_sum(node->left) + tree_sum(node->right) : 0;
}
__device__ void quicksort(int *data, int left, int right) {
  if (left >= right) return;
  int pivot = data[(left + right) / 2], i = left, j = right;
  while (i <= j) {
    while (data[i] < pivot) i++;
    while (data[j] > pivot) j--;
    if (i <= j) { int t = data[i]; data[i++] = data[j]; data[j--] = t; }
  }
  quicksort(data, left, j);
  quicksort(data, i, right);
}
__global__ void recurse(int *out, const Node *root, int n) {
  out[threadIdx.x] = ackermann(2, threadIdx.x & 3) + even(n) + (int)tree_sum(root);
  quicksort(out + 100, 0, n);
}
