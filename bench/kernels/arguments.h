// How a native kernel gets its arguments: as cuLaunchKernel does, by an array of pointers to values.
#define ARGUMENT(type, index) (*(type*)arguments[index])
