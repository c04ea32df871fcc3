#include "transport/tcp/message_gate.h"

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "transport/dissemination.h"

namespace tsring {
namespace {

// Notices of a rank that only sends must be taken in now and then.
constexpr uint64_t kTakeInEvery = 16;
// Looks before the thread sleeps, each of which lets others have the core.
constexpr int kGateLooks = 50;
// A wait of this part of the timeout is told to all: then each knows whom to name at its end.
constexpr int kHerePart = 4;

}  // namespace

MessageGate::MessageGate(size_t rank, std::vector<Socket> links, std::vector<std::string> names,
                         std::chrono::milliseconds timeout, GatePlan plan, HomeCore home)
    : rank_(rank), plan_(std::move(plan)), home_(home), names_(std::move(names)), timeout_(timeout) {
  for (Socket& link : links) links_.emplace_back(std::move(link));
}

Result<bool> MessageGate::tryPass(const Offer& own) {
  if (over_ || declined_ || underWay_.load() != 0) return false;
  home_.goThere();
  auto passed = gather(own);
  declined_ = !passed.ok() || !passed.value();
  if (!declined_) ++position_.passes;
  saidHere_ = false;
  return passed;
}

Offer MessageGate::offerOf(size_t rank) const {
  // All offers were the same, or we had not passed.
  const size_t place = Dissemination(rank_, links_.size()).placeOf(rank);
  return {fingerprint_, std::span(gathered_).subspan(place * contributionBytes_, contributionBytes_)};
}

std::optional<std::span<const std::byte>> MessageGate::combined() const {
  if (!plan_.combines) return std::nullopt;
  return handedDownBy_ ? links_[*handedDownBy_].payload() : has_;
}

void MessageGate::busy() {
  underWay_.fetch_add(1);
  ++position_.begun;
  declined_ = false;
  if (over_) return;
  for (GateLink& link : links_) {
    if (link) link.say(GateWord::kNotice, position_, 0, {});
  }
  if (std::ranges::any_of(links_, [](const GateLink& link) { return link && link.sending(); })) return giveUp();
  if (position_.begun % kTakeInEvery != 0) return;
  for (size_t peer = 0; peer < links_.size(); ++peer) {
    if (links_[peer]) std::ignore = takeIn(peer);  // tryPass meets the same end
  }
}

void MessageGate::leave() {
  for (GateLink& link : links_) {
    if (link) link.finishSending();
  }
}

void MessageGate::interrupt() {
  interrupted_.store(true);
  wakeUp_.signal();
}

// Whether all others come to where we are with what we offer; then their contributions are here.
Result<bool> MessageGate::gather(const Offer& own) {
  const Deadline deadline = Deadline::in(timeout_);
  fingerprint_ = own.fingerprint;
  contributionBytes_ = own.payload.size();
  contributions_ = 1;
  handedDownBy_.reset();
  has_ = own.payload;
  if (!plan_.combines) {
    gathered_.assign(own.payload.begin(), own.payload.end());
    has_ = gathered_;
  }
  for (size_t k = 0; k < plan_.rounds.size(); ++k) {
    const GateRound& round = plan_.rounds[k];
    const auto payload = has_.first(round.contributions * contributionBytes_);
    if (round.to) links_[*round.to].say(GateWord::kOffer, position_, fingerprint_, payload);
    if (!round.from) continue;
    const auto offered = awaitOffer(round, deadline);
    if (!offered.ok()) return offered;
    if (!offered.value()) {
      refuse(k + 1);
      return false;
    }
    take(round, own.combine);
  }
  return awaitSent(deadline);
}

// Those who hear from us in the rounds that are left must not wait for an offer.
void MessageGate::refuse(size_t fromRound) {
  for (size_t k = fromRound; k < plan_.rounds.size() && !over_; ++k) {
    const auto to = plan_.rounds[k].to;
    if (to) links_[*to].say(GateWord::kRefusal, position_, fingerprint_, {});
  }
}

Result<bool> MessageGate::awaitOffer(const GateRound& round, Deadline deadline) {
  const size_t from = *round.from;
  GateLink& link = links_[from];
  const auto come = [&]() -> Result<bool> {
    if (Status s = takeIn(from); !s.ok()) return s;
    const bool answers = link.offer() || link.refuses(position_);
    if (!answers && link.ended()) giveUp();
    return answers || over_;
  };
  const auto came = await(come, deadline);
  if (!came.ok() || !came.value()) return came;
  if (over_ || link.refuses(position_) || link.offer()->fingerprint != fingerprint_) return false;
  if (link.payload().size() != round.contributions * contributionBytes_) {
    return Status(StatusCode::kInternal, names_[from] + ": it sent a message that makes no sense here");
  }
  return true;
}

void MessageGate::take(const GateRound& round, const CombinePayloads& combine) {
  contributions_ += round.contributions;
  const auto theirs = links_[*round.from].payload();
  if (theirs.empty()) return;
  if (round.taking == Taking::kInsteadOfOurs) {
    handedDownBy_ = round.from;
    return;
  }
  if (round.taking == Taking::kAppend) {
    gathered_.insert(gathered_.end(), theirs.begin(), theirs.end());
  } else {
    const bool left = round.taking == Taking::kCombineLeft;
    gathered_.resize(theirs.size());
    combine(gathered_.data(), (left ? theirs : has_).data(), (left ? has_ : theirs).data(), theirs.size());
  }
  has_ = gathered_;
}

// What we offered must be sent before we pass with it: the others read until they have it.
Result<bool> MessageGate::awaitSent(Deadline deadline) {
  const auto sent = [&]() -> Result<bool> {
    if (std::ranges::any_of(links_, [](const GateLink& link) { return link && link.sending() && link.ended(); })) {
      giveUp();
    }
    return over_ || std::ranges::none_of(links_, [](const GateLink& link) { return link && link.sending(); });
  };
  const auto done = await(sent, deadline);
  if (!done.ok() || !done.value()) return done;
  return !over_;
}

// True once `settled` is; false where somebody says that nobody will pass.
template <typename Settled>
Result<bool> MessageGate::await(Settled settled, Deadline deadline) {
  const Deadline told(deadline.at() - timeout_ + timeout_ / kHerePart);
  for (int looks = 0;; ++looks) {
    if (interrupted_.load()) return Status(StatusCode::kShutDown, "interrupted");
    for (GateLink& link : links_) link.send();
    if (auto found = settled(); !found.ok() || found.value()) return found;
    if (looks < kGateLooks) {
      ::sched_yield();
      continue;
    }
    if (deadline.passed()) return absent();
    if (told.passed()) sayHere();
    const auto heard = listen(saidHere_ ? deadline : deadline.earlier(told));
    if (!heard.ok() || !heard.value()) return heard;
  }
}

// Sleeps until something can be done, and takes in what has come. False where it says that nobody will pass.
Result<bool> MessageGate::listen(Deadline until) {
  polled_.assign({{wakeUp_.fd(), POLLIN, 0}});
  polledPeers_.clear();
  for (size_t peer = 0; peer < links_.size(); ++peer) {
    GateLink& link = links_[peer];
    if (!link) continue;
    // What has come about a later position may be about this one by now.
    if (link.further()) {
      if (Status s = takeIn(peer); !s.ok()) return s;
    }
    if (link.refuses(position_)) return false;
    // One that waits long wants to know who waits with it.
    if (link.saysHere(position_)) sayHere();
    if (link.ended()) continue;
    const int events = (link.further() ? 0 : POLLIN) | (link.sending() ? POLLOUT : 0);
    if (events == 0) continue;
    polled_.push_back({link.fd(), static_cast<short>(events), 0});
    polledPeers_.push_back(peer);
  }
  if (::poll(polled_.data(), polled_.size(), until.pollTimeoutMs()) < 0 && errno != EINTR) {
    return statusFromErrno(StatusCode::kInternal, "poll failed", errno);
  }
  for (size_t i = 0; i < polledPeers_.size(); ++i) {
    if (polled_[i + 1].revents == 0) continue;
    if (Status s = takeIn(polledPeers_[i]); !s.ok()) return s;
  }
  return true;
}

Status MessageGate::takeIn(size_t peer) {
  Status taken = links_[peer].takeIn(position_);
  return taken.ok() ? taken : taken.withPrefix(names_[peer] + ": ");
}

void MessageGate::sayHere() {
  if (std::exchange(saidHere_, true)) return;
  for (GateLink& link : links_) {
    if (link) link.say(GateWord::kHere, position_, fingerprint_, {});
  }
}

// What is not sent goes nowhere. Whatever it says, nobody passes with it: an offer that all passed with was sent.
void MessageGate::giveUp() {
  over_ = true;
  leave();
}

Status MessageGate::absent() const {
  std::string names;
  for (size_t peer = 0; peer < links_.size(); ++peer) {
    const GateLink& link = links_[peer];
    if (link && (!heardOf(peer) || link.sending())) names.append(names.empty() ? "" : ", ").append(names_[peer]);
  }
  if (names.empty()) names = "a rank";  // all have come, and one of them is just hearing of it
  return Status(StatusCode::kTimeout, names + " did not call it within " + std::to_string(timeout_.count()) + " ms");
}

// Whether the rank is known to have come, from itself or, where contributions stay apart, from others.
bool MessageGate::heardOf(size_t peer) const {
  const bool gathered = !plan_.combines && Dissemination(rank_, links_.size()).placeOf(peer) < contributions_;
  return gathered || links_[peer].here(position_);
}

}  // namespace tsring
