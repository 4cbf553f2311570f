//! The software GPU: command rings, GPCs, blocks, warps, memory.
