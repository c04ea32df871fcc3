#pragma once

#include <vector>

#include "base/status.h"
#include "engine/members.h"
#include "engine/request.h"

namespace tsring {

/// What a rank can say of a request before it asks the others: kInvalidArgument where no ring could do it.
Status checkRequest(const RequestHeader& header, const std::vector<Shape>& shapes,
                    const std::vector<TensorBuffer>& tensors, const Members& members);

}  // namespace tsring
