"""Horovod on torch tensors under the common protocol. usage, under horovodrun or mpirun: horovod_torch.py LABEL"""

import sys

import horovod.torch as hvd
import torch

import protocol

torch.set_num_threads(1)
hvd.init()


def allreduce(tensor):
    hvd.allreduce_(tensor, name=f"bench.{tensor.numel()}", op=hvd.Sum)


def maximum(values):
    return hvd.allgather(torch.tensor([values], dtype=torch.float64)).max(0).values.tolist()


def agree(value):
    return int(hvd.broadcast(torch.tensor([value]), 0)[0])


protocol.run(sys.argv[1], hvd.rank(), hvd.size(), allreduce, hvd.barrier, maximum, agree)
hvd.shutdown()
