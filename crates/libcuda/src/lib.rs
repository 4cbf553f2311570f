//! libcuda.so.1: the rim of the C ABI.
