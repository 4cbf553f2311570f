// Virtual functions, multiple inheritance, new and delete.
struct Shape {
  int id;
  __device__ virtual ~Shape() {}
  __device__ virtual float area() const = 0;
  __device__ virtual void scale(float) {}
};
struct Named { __device__ virtual int name() { return 1; } int tag; };
struct Circle : Shape, Named {
  float r;
  __device__ Circle(float r) : r(r) {}
  __device__ float area() const override { return 3.14159f * r * r; }
  __device__ void scale(float k) override { r *= k; }
  __device__ int name() override { return 2 + id; }
};
struct Square : Shape {
  float side;
  __device__ Square(float s) : side(s) {}
  __device__ float area() const override { return side * side; }
};
__global__ void shapes(float *out, int n) {
  Shape *shape;
  if (threadIdx.x % 2) { Circle *c = new Circle(n); c->id = 3; out[100 + threadIdx.x] = ((Named *)c)->name(); shape = c; }
  else shape = new Square(threadIdx.x);
  shape->scale(2.0f);
  out[threadIdx.x] = shape->area();
  delete shape;
}
