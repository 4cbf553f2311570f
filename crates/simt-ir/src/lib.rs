//! SSA form of a kernel for a warp of 32 lanes.
