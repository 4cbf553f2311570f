//! CUDA's meaning on the software GPU.
