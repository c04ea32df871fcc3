#pragma once

#include <functional>

// What the fake NCCL wants of the fake driver, beside what a real one offers. Compiled without the rest of tsring.

struct CudaStreamHandle;

/// Work at the end of a stream's queue, done by the stream's thread.
void fakeCudaEnqueue(CudaStreamHandle* stream, std::function<void()> work);

/// How many kernels have run to their end in this process.
unsigned long fakeCudaKernels();

/// Where the data of a device address are. A null stays one; an address that is not on the device ends the process, as
/// a kernel that reads it would fail.
void* fakeCudaHost(const void* device);
