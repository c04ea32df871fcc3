#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "transport/handshake.h"
#include "transport/mesh.h"
#include "transport/tcp/link_up.h"
#include "transport/tcp/socket.h"

namespace tsring {

/// Both ends of a TCP connection over loopback.
struct SocketPair {
  Socket caller;
  Socket called;
};
SocketPair connectedPair();

/// A rank's listener on loopback, and where it is.
Listener listenOnLoopback();
Socket callLoopback(uint16_t port);

/// The same, or any two sockets that are connected, with TLS on them.
SocketPair encryptedPair();
void encrypt(Socket& caller, Socket& called, const JobCredentials& job);

/// Meshes of `size` ranks over TCP, by rank.
std::vector<std::unique_ptr<Mesh>> tcpMeshes(int size);
std::vector<std::unique_ptr<Mesh>> encryptedMeshes(int size);
/// The same with several sockets for each pair, connected as `connect` does it.
std::vector<std::unique_ptr<Mesh>> stripedMeshes(int size, const std::function<SocketPair()>& connect, size_t sockets);

/// "rank 0 on host0", ...
std::vector<std::string> rankNames(int size);

JobCredentials testJob();
JobCredentials otherSecret();
std::unique_ptr<TlsContext> tlsOf(const JobCredentials& job);

Bytes bytesOf(std::string_view text);
Bytes randomBytes(size_t count, unsigned seed);

/// Expects that megabytes, one way after the other, arrive as they were sent.
void expectBytesBothWays(SocketPair pair);

/// Whether the other side ends the connection before the deadline, whatever it sends until then.
bool endsWithin(Socket& socket, Deadline deadline);

}  // namespace tsring
