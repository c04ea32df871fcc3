// gloo's allreduce over its TCP transport under the common protocol; ranks meet through files in a shared folder.
// usage: gloo RANK SIZE FOLDER ADDRESS ALGORITHM LABEL
// ALGORITHM: ring, bcube (of gloo::allreduce); ring_chunked, halving_doubling (classes that bind a buffer)
#include <gloo/allreduce.h>
#include <gloo/allreduce_halving_doubling.h>
#include <gloo/allreduce_ring_chunked.h>
#include <gloo/barrier.h>
#include <gloo/broadcast.h>
#include <gloo/math.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/transport/tcp/device.h>

#include <memory>

#include "protocol.h"

namespace {

using Context = std::shared_ptr<gloo::Context>;
using Reduction = void (*)(void*, const void*, const void*, size_t);

class Gloo final : public peers::Peer {
 public:
  Gloo(Context context, std::string algorithm) : context_(std::move(context)), algorithm_(std::move(algorithm)) {}
  int rank() const override { return context_->rank; }
  int size() const override { return context_->size; }

  void use(float* values, size_t count) override {
    values_ = values;
    count_ = count;
    bound_.reset();
    if (count == 0) return;
    const std::vector<float*> buffers{values};
    const int elements = static_cast<int>(count);
    if (algorithm_ == "ring_chunked") {
      bound_ = std::make_unique<gloo::AllreduceRingChunked<float>>(context_, buffers, elements);
    } else if (algorithm_ == "halving_doubling") {
      bound_ = std::make_unique<gloo::AllreduceHalvingDoubling<float>>(context_, buffers, elements);
    }
  }

  void allreduce() override {
    if (bound_) {
      bound_->run();
    } else {
      reduce(values_, count_, &gloo::sum<float>, 1, algorithm_ == "bcube");
    }
  }

  void barrier() override {
    gloo::BarrierOptions options(context_);
    options.setTag(2);
    gloo::barrier(options);
  }

  void maximum(std::vector<double>& values) override {
    reduce(values.data(), values.size(), &gloo::max<double>, 3, false);
  }

  int agree(int value) override {
    gloo::BroadcastOptions options(context_);
    options.setOutput(&value, 1);
    options.setRoot(0);
    options.setTag(4);
    gloo::broadcast(options);
    return value;
  }

 private:
  template <typename T>
  void reduce(T* values, size_t count, Reduction reduction, uint32_t tag, bool bcube) {
    gloo::AllreduceOptions options(context_);
    options.setOutput(values, count);
    options.setAlgorithm(bcube ? gloo::AllreduceOptions::Algorithm::BCUBE : gloo::AllreduceOptions::Algorithm::RING);
    options.setReduceFunction(reduction);
    options.setTag(tag);
    gloo::allreduce(options);
  }

  Context context_;
  std::string algorithm_;
  std::unique_ptr<gloo::Algorithm> bound_;
  float* values_ = nullptr;
  size_t count_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: gloo RANK SIZE FOLDER ADDRESS ALGORITHM LABEL\n");
    return 2;
  }
  auto context = std::make_shared<gloo::rendezvous::Context>(std::atoi(argv[1]), std::atoi(argv[2]));
  context->setTimeout(std::chrono::minutes(2));
  gloo::rendezvous::FileStore store(argv[3]);
  auto device = gloo::transport::tcp::CreateDevice(gloo::transport::tcp::attr(argv[4]));
  context->connectFullMesh(store, device);
  Gloo peer(context, argv[5]);
  peers::run(peer, argv[6]);
  peer.barrier();
}
