#include "tensorflow/update_kernel.h"

#include <algorithm>
#include <vector>

#include "base/parallel.h"
#include "tensorflow/update_call.h"

namespace tsring {
namespace {

Status update(TF_OpKernelContext* context);

}  // namespace

void computeUpdate(void* /*kernel*/, TF_OpKernelContext* context) {
  report(context, update(context));
}

namespace {

constexpr size_t kElementsAtOnce = 64 * 1024;

Status update(TF_OpKernelContext* context) {
  const Result<UpdateCall> read = updateCall(context, 0, 0);
  if (!read.ok()) return read.status();
  const UpdateCall& call = read.value();
  struct Piece {
    size_t variable, begin, end;
  };
  std::vector<Piece> pieces;
  for (size_t i = 0; i < call.count; ++i) {
    const size_t elements = call.elements(i);
    for (size_t begin = 0; begin < elements; begin += kElementsAtOnce) {
      pieces.push_back({i, begin, std::min(begin + kElementsAtOnce, elements)});
    }
  }
  const WriteTo writeTo = call.writeTo();
  inParallel(call.threads, pieces.size(), [&](size_t i) {
    const auto [variable, begin, end] = pieces[i];
    applyUpdate(call.update, call.factors.data(), call.arrays(variable), begin, end, writeTo);
  });
  return {};
}

}  // namespace
}  // namespace tsring
