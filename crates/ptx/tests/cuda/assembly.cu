// Inline assembly, as libraries write it.
__global__ void assembly(unsigned *u, float *f, unsigned long long *l, unsigned *shared_address) {
  unsigned a = u[0], b = u[1], c, d; unsigned long long x = l[0];
  asm("add.cc.u32 %0, %2, %3;\n\taddc.cc.u32 %1, %3, %2;\n\taddc.u32 %0, %0, 0;" : "=r"(c), "=r"(d) : "r"(a), "r"(b)); u[2] = c + d;
  asm("{.reg .pred p; .reg .u32 t; setp.gt.and.s32 p, %1, 5, 1; @p mov.u32 t, 7; @!p mov.u32 t, %2; mov.u32 %0, t;}" : "=r"(c) : "r"(a), "r"(b)); u[3] = c;
  asm("bfe.u32 %0, %1, 4, 8; bfi.b32 %0, %0, %2, 3, 5;" : "=r"(c) : "r"(a), "r"(b)); asm("prmt.b32.f4e %0, %0, %1, 2;" : "+r"(c) : "r"(b)); u[4] = c;
  asm("lop3.b32 %0, %1, %2, %0, 0xe8;" : "+r"(c) : "r"(a), "r"(b)); asm("shf.l.wrap.b32 %0, %1, %2, 7;" : "=r"(d) : "r"(a), "r"(b)); u[5] = c ^ d;
  asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0, %1, _, _}, [%2];" : "=r"(c), "=r"(d) : "l"(u + 8)); u[6] = c + d;
  asm volatile("st.global.cs.v2.u32 [%0], {%1, %2};" ::"l"(u + 12), "r"(c), "r"(d)); asm volatile("red.relaxed.gpu.global.add.u32 [%0+4], %1;" ::"l"(u), "r"(a) : "memory");
  asm volatile("{ .reg .pred q; setp.ne.u32 q, %1, 0; @q ld.acquire.gpu.global.u32 %0, [%2]; }" : "+r"(c) : "r"(a), "l"(u + 1)); u[7] = c;
  float g = f[0]; asm("fma.rn.ftz.sat.f32 %0, %0, %0, 0f3f000000; ex2.approx.ftz.f32 %0, %0;" : "+f"(g));
  f[1] = g; asm("{ .reg .pred p; testp.finite.f32 p, %1; selp.f32 %0, %1, 0f00000000, p; copysign.f32 %0, %0, %1; }" : "=f"(g) : "f"(f[2])); f[3] = g;
  asm("mad.lo.cc.u64 %0, %1, %1, %1; madc.hi.u64 %0, %0, %1, 0; sub.cc.u64 %0, %0, %1; subc.u64 %0, %0, 1;" : "=l"(x) : "l"(l[1])); l[2] = x;
  asm("mov.b64 {%0, %1}, %2;" : "=r"(c), "=r"(d) : "l"(x)); asm("slct.u32.s32 %0, %1, %2, %3;" : "=r"(c) : "r"(c), "r"(d), "r"(a)); u[9] = c;
  asm volatile("{ .reg .u64 t; cvta.to.shared.u64 t, %1; cvt.u32.u64 %0, t; }" : "=r"(c) : "l"(shared_address)); u[10] = c;
  asm volatile("{ .reg .pred p; isspacep.global p, %1; selp.u32 %0, 1, 0, p; }" : "=r"(c) : "l"(u)); u[11] = c;
  asm("dp4a.s32.u32 %0, %1, %2, %0; dp2a.lo.u32.s32 %0, %1, %2, %0; dp2a.hi.s32.s32 %0, %1, %2, %0;" : "+r"(c) : "r"(a), "r"(b)); u[14] = c;
  asm volatile("prefetch.global.L2 [%0]; membar.gl; fence.acq_rel.gpu;" ::"l"(u)); asm volatile("{ .reg .pred p; shfl.sync.idx.b32 %0|p, %1, 3, 0x1f, -1; @p add.u32 %0, %0, 1; vote.sync.ballot.b32 %0, !p, -1; }" : "=r"(c) : "r"(a)); u[13] = c;
}
