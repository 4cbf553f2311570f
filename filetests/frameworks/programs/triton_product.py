"""A product of matrices as a Triton kernel that tunes itself. Which variant is the fastest is open; of whole numbers all make the same product."""

import common

torch = common.require("torch")
triton = common.require("triton")
import triton.language as tl

CONFIGS = [
    triton.Config({"M": m, "N": n, "K": 32}, num_warps=warps, num_stages=stages)
    for m, n, warps, stages in ((32, 32, 2, 2), (64, 64, 4, 2), (64, 128, 4, 3), (128, 64, 8, 3))
]


@triton.autotune(configs=CONFIGS, key=["size"])
@triton.jit
def product(a, b, c, size, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    rows = tl.program_id(0) * M + tl.arange(0, M)
    columns = tl.program_id(1) * N + tl.arange(0, N)
    inner = tl.arange(0, K)
    total = tl.zeros((M, N), tl.float32)
    for start in range(0, size, K):
        left = tl.load(a + rows[:, None] * size + (start + inner)[None, :])
        right = tl.load(b + (start + inner)[:, None] * size + columns[None, :])
        total += tl.dot(left, right)
    tl.store(c + rows[:, None] * size + columns[None, :], total)


def main():
    if not torch.cuda.is_available():
        common.skip("PyTorch finds no CUDA device")
    torch.manual_seed(5)
    for size in (256, 512):
        a, b = (torch.randint(-8, 9, (size, size)).to(torch.float16).cuda() for _ in range(2))
        c = torch.empty(size, size, device="cuda")
        product[lambda meta: (size // meta["M"], size // meta["N"])](a, b, c, size)
        right = torch.equal(c.cpu().double(), a.cpu().double() @ b.cpu().double())
        print(f"{size}: {'right' if right else 'WRONG'}, {common.digest(c.cpu().numpy())}")


if __name__ == "__main__":
    main()
