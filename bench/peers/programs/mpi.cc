// MPI_Allreduce under the common protocol; built once with each MPI's own compiler wrapper.
// usage: mpirun -n N mpi LABEL
#include <mpi.h>

#include "protocol.h"

namespace {

class Mpi final : public peers::Peer {
 public:
  Mpi() {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void use(float* values, size_t count) override {
    values_ = values;
    count_ = static_cast<int>(count);
  }
  void allreduce() override { MPI_Allreduce(MPI_IN_PLACE, values_, count_, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); }
  void barrier() override { MPI_Barrier(MPI_COMM_WORLD); }
  void maximum(std::vector<double>& values) override {
    MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  }
  int agree(int value) override {
    MPI_Bcast(&value, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return value;
  }

 private:
  int rank_ = 0;
  int size_ = 1;
  float* values_ = nullptr;
  int count_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Mpi peer;
  peers::run(peer, argc > 1 ? argv[1] : "mpi");
  MPI_Finalize();
}
