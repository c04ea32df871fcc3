"""The timing protocol of protocol.h, for systems that are driven from Python with torch tensors."""

import os
import statistics
import time


def run(label, rank, size, allreduce, barrier, maximum, agree):
    """Measures every size of PEERS_SIZES; rank 0 prints a row for each.

    allreduce(tensor): sum over all ranks, in place, float32. maximum(list of float) -> list: largest over all ranks.
    agree(int) -> rank 0's int. All ranks make the same calls in the same order.
    """
    import torch

    for bytes in [int(text) for text in os.environ["PEERS_SIZES"].split(",")]:
        pattern = (torch.arange(bytes // 4, dtype=torch.int64) % 97 + 1).to(torch.float32)
        values = pattern * (rank + 1)
        barrier()
        allreduce(values)
        right = torch.equal(values, pattern * (size * (size + 1) // 2))
        ok = maximum([0.0 if right else 1.0])[0] == 0
        del pattern
        values.zero_()  # sums of sums would overflow

        def one_round():
            barrier()
            start = time.perf_counter()
            allreduce(values)
            return (time.perf_counter() - start) * 1e6

        fastest = min(one_round(), one_round(), one_round())
        wanted = min(setting("PEERS_MAX_ITERATIONS"), setting("PEERS_BUDGET_S") * 1e6 / max(fastest, 0.1))
        iterations = agree(int(max(setting("PEERS_MIN_ITERATIONS"), wanted)))
        times = maximum([one_round() for _ in range(iterations)])
        each = back_to_back(lambda: allreduce(values), barrier, maximum, iterations)
        if rank == 0:
            print_row(label, size, bytes, times, each, ok)


def setting(name):
    return float(os.environ[name])


def back_to_back(call, barrier, maximum, iterations):
    """Microseconds a call in the fastest of three batches, on the slowest rank."""
    batch = iterations // 3 if iterations >= 15 else iterations
    best = float("inf")
    for _ in range(3):
        barrier()
        start = time.perf_counter()
        for _ in range(batch):
            call()
        slowest = maximum([(time.perf_counter() - start) * 1e6])[0]
        best = min(best, slowest / batch)
        if iterations < 15 and slowest > 4e6:
            break  # the same on all ranks: enough seen of so slow a size
    return best


def print_row(label, ranks, bytes, times, each, ok):
    median = statistics.median(times)
    factor = 2 * (ranks - 1) / ranks if ranks > 1 else 1
    speeds = [bytes * 1e-3 / median, bytes * 1e-3 / median * factor, bytes * 1e-3 / each * factor]
    columns = [label, ranks, bytes, len(times)]
    columns += ["%.2f" % time for time in (min(times), median, each)] + ["%.3f" % speed for speed in speeds]
    print("\t".join(map(str, [*columns, "ok" if ok else "WRONG"])), flush=True)
