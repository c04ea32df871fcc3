#include "collective/adasum.h"

#include <algorithm>
#include <vector>

#include "collective/fold.h"
#include "collective/pairwise.h"
#include "kernel/adasum.h"

namespace tsring {
namespace {

/// A rank's way through one step: what it stays in charge of, and what it leaves to `peer`. Elements.
struct Halving {
  int peer;
  Range kept;
  Range given;
};

/// One allreduce of one rank.
class Adasum {
 public:
  Adasum(const PairLink& link, const Team& team, std::span<std::byte> data, DType dtype, std::span<const Range> tensors)
      : link_(link), fold_(team), data_(data), dtype_(dtype), tensors_(tensors), theirs_(data.size()) {}

  Status run(const Team& team) {
    if (Status s = foldIn(team); !s.ok()) return s;
    if (fold_.sitsOut()) return fold_.handBack(link_, data_);
    Range own{0, data_.size() / elementSize(dtype_)};
    std::vector<Halving> splits;
    for (size_t distance = 1; distance < fold_.seats(); distance *= 2) {
      const bool upper = (fold_.seat() & distance) != 0;
      const size_t middle = own.begin + own.size() / 2;
      const Range low{own.begin, middle}, high{middle, own.end};
      splits.push_back({fold_.rankAt(fold_.seat() ^ distance), upper ? high : low, upper ? low : high});
      if (Status s = combineWith(splits.back(), upper, distance); !s.ok()) return s;
      own = splits.back().kept;
    }
    for (; !splits.empty(); splits.pop_back()) {
      const Halving& split = splits.back();
      if (Status s = exchange(link_, split.peer, bytesOf(split.kept), bytesOf(split.given)); !s.ok()) return s;
    }
    return fold_.handBack(link_, data_);
  }

 private:
  /// A pair's vectors meet whole at the one that takes part for both, so it needs nobody for the products.
  Status foldIn(const Team& team) {
    if (!fold_.paired()) return Status::okay();
    const int partner = team.ranks[team.index ^ 1];
    if (fold_.sitsOut()) return exchange(link_, partner, data_, {});
    if (Status s = exchange(link_, partner, {}, theirs_); !s.ok()) return s;
    const Range all{0, data_.size() / elementSize(dtype_)};
    combineHeld(all, true, productsOf(all, true));
    return Status::okay();
  }

  Status combineWith(const Halving& split, bool upper, size_t distance) {
    const auto into = std::span(theirs_).first(bytesOf(split.kept).size());
    if (Status s = exchange(link_, split.peer, bytesOf(split.given), into); !s.ok()) return s;
    auto products = productsOf(split.kept, upper);
    if (Status s = addUp(products, distance); !s.ok()) return s;
    combineHeld(split.kept, upper, products);
    return Status::okay();
  }

  /// The products of the parts that the ranks of this step's group hold: of each tensor three numbers, one rank's after
  /// the other's. Partners add the same two numbers, so all get the same bits.
  Status addUp(std::vector<AdasumProducts>& products, size_t distance) {
    std::vector<AdasumProducts> other(products.size());
    for (size_t apart = 1; apart <= distance; apart *= 2) {
      const int peer = fold_.rankAt(fold_.seat() ^ apart);
      const auto give = std::as_bytes(std::span(products));
      if (Status s = exchange(link_, peer, give, std::as_writable_bytes(std::span(other))); !s.ok()) return s;
      for (size_t i = 0; i < products.size(); ++i) products[i] += other[i];
    }
    return Status::okay();
  }

  /// Of each tensor the part inside `range`, where theirs begin with the range. The lower rank's vector is a.
  std::vector<AdasumProducts> productsOf(Range range, bool upper) {
    std::vector<AdasumProducts> products;
    for (const Range& tensor : tensors_) {
      const Range part = overlap(tensor, range);
      const auto [a, b] = vectors(part, range, upper);
      products.push_back(adasumProducts(dtype_, a, b, part.size()));
    }
    return products;
  }

  void combineHeld(Range range, bool upper, std::span<const AdasumProducts> products) {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      const Range part = overlap(tensors_[i], range);
      const auto [a, b] = vectors(part, range, upper);
      adasumCombine(dtype_, data_.data() + part.begin * elementSize(dtype_), a, b, part.size(), products[i]);
    }
  }

  struct Vectors {
    const std::byte* a;
    const std::byte* b;
  };
  Vectors vectors(Range part, Range range, bool upper) const {
    const std::byte* ours = data_.data() + part.begin * elementSize(dtype_);
    const std::byte* theirs = theirs_.data() + (part.begin - range.begin) * elementSize(dtype_);
    return upper ? Vectors{theirs, ours} : Vectors{ours, theirs};
  }

  static Range overlap(Range a, Range b) {
    const size_t begin = std::clamp(a.begin, b.begin, b.end);
    return {begin, std::clamp(a.end, begin, b.end)};
  }
  std::span<std::byte> bytesOf(Range elements) const {
    return data_.subspan(elements.begin * elementSize(dtype_), elements.size() * elementSize(dtype_));
  }

  const PairLink& link_;
  const Fold fold_;
  const std::span<std::byte> data_;
  const DType dtype_;
  const std::span<const Range> tensors_;
  Bytes theirs_;
};

}  // namespace

Status adasumAllreduce(Mesh& mesh, const Team& team, std::span<std::byte> data, DType dtype,
                       std::span<const Range> tensors, RingWorkspace& workspace, std::chrono::milliseconds stallLimit) {
  if (team.size() == 1 || data.empty()) return Status::okay();
  const PairLink link{mesh, workspace.arrived, stallLimit};
  return Adasum(link, team, data, dtype, tensors).run(team);
}

}  // namespace tsring
