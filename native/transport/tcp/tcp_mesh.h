#pragma once

#include <string>
#include <vector>

#include "transport/mesh.h"
#include "transport/tcp/patient_poll.h"
#include "transport/tcp/socket.h"

namespace tsring {

/// Data links over TCP, one socket a peer.
class TcpMesh final : public Mesh {
 public:
  /// `links` by rank, empty at `rank`; `names` by rank, for messages.
  TcpMesh(int rank, std::vector<Socket> links, std::vector<std::string> names);

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(links_.size()); }
  Result<size_t> trySend(int peer, std::span<const std::byte> bytes) override;
  Result<size_t> tryReceive(int peer, std::span<std::byte> bytes) override;
  Status wait(std::span<const Interest> interests, Deadline deadline) override;
  void interrupt() override { poll_.interrupt(); }

 private:
  const int rank_;
  std::vector<Socket> links_;
  const std::vector<std::string> names_;
  PatientPoll poll_;
};

}  // namespace tsring
