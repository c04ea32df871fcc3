#pragma once

#include <sys/socket.h>

#include <string>

namespace tsring {

/// Whether the connection has both its ends on this host: they have one address.
bool staysOnThisHost(int fd);

/// Whether a connection to the address would.
bool isOfThisHost(const sockaddr& address, socklen_t length);

/// Has what the socket sends go at once, as nothing is gained inside a host by spreading it over time, which is what
/// bbr does, the default of some systems: there all that is longer than a segment waits for timers. To be called before
/// the socket connects or listens (then for all that it accepts): a connection that has begun with bbr stays paced
/// whatever it is switched to.
///
/// @returns the name of what was there before, for takeCongestionControl; empty where nothing was changed
std::string sendUnpaced(int fd);

/// Gives the connection the congestion control of that name; an empty one leaves it as it is.
void takeCongestionControl(int fd, const std::string& name);

}  // namespace tsring
