#pragma once

#include <vector>

#include "base/status.h"
#include "engine/request.h"

namespace tsring {

/// Fails with kNotFinite, naming the first variable that has a NaN or an infinity and where, for sums and averages of
/// floats; other operations may mean them.
Status checkFinite(const RequestHeader& header, const std::vector<Shape>& shapes,
                   const std::vector<TensorBuffer>& tensors);

}  // namespace tsring
